#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "brigade/runtime/clock.h"

namespace brigade {

/// The items of a BatchCache at hand: batches in the order of their arrival, each with the instant
/// from which on its items are too old.
template <class T>
class BatchShelf {
 public:
  std::size_t size() const noexcept { return size_; }

  void add(std::vector<T> items, TimePoint end) {
    const std::size_t added = items.size();
    if (size_ == 0)
      first_ = Batch(std::move(items), end);
    else if (added > 0)
      later_.emplace_back(std::move(items), end);
    size_ += added;
  }

  /// Moves the oldest item into `item`; there must be one. It stays if moving it throws.
  void take(std::optional<T>& item) {
    item.emplace(std::move(first_.items[first_.next]));
    --size_;
    if (++first_.next == first_.items.size()) drop_first();
  }

  /// How many were dropped.
  std::size_t drop_old(TimePoint now) noexcept {
    const std::size_t before = size_;
    while (size_ > 0 && first_.end <= now) {
      size_ -= first_.items.size() - first_.next;
      drop_first();
    }
    return before - size_;
  }
  std::size_t drop_all() noexcept {
    later_.clear();
    first_ = Batch();
    return std::exchange(size_, 0);
  }

 private:
  struct Batch {
    Batch() = default;
    Batch(std::vector<T> all, TimePoint too_old) : items(std::move(all)), end(too_old) {}
    std::vector<T> items;
    TimePoint end;
    std::size_t next = 0;  // The first item not taken.
  };

  void drop_first() noexcept {
    if (later_.empty()) {
      first_ = Batch();
    } else {
      first_ = std::move(later_.front());
      later_.pop_front();
    }
  }

  Batch first_;             // Has items left, unless there are none at all.
  std::list<Batch> later_;  // Empty but for prefetches; each has items left.
  std::size_t size_ = 0;
};

}  // namespace brigade
