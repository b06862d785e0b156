#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "brigade/sync/queue.h"

namespace brigade {

/// A heap whose least item comes first, and of equal ones the oldest.
template <class T, class Less>
class StableHeap {
  static_assert(std::is_nothrow_move_assignable_v<T>, "the items of a heap are moved about");

 public:
  std::size_t size() const noexcept { return entries_.size(); }

  void make_room() {
    if (entries_.size() == entries_.capacity()) [[unlikely]]
      entries_.reserve(2 * entries_.size() + 1);
  }
  void push(T&& item) noexcept {
    entries_.push_back(Entry{std::move(item), number_++});
    std::push_heap(entries_.begin(), entries_.end(), &later);
  }
  T pop() noexcept {
    std::pop_heap(entries_.begin(), entries_.end(), &later);
    T item = std::move(entries_.back().item);
    entries_.pop_back();
    return item;
  }

 private:
  struct Entry {
    T item;
    std::uint64_t number;
  };
  static bool later(const Entry& a, const Entry& b) noexcept {
    if (Less()(b.item, a.item)) return true;
    return !Less()(a.item, b.item) && b.number < a.number;
  }

  std::vector<Entry> entries_;
  std::uint64_t number_ = 0;
};

/// A BasicQueue whose least item comes out first, and of equal ones the one put first. `Less` must
/// not throw. Tasks that wait to put are served in the order they came, whatever their items.
///
/// Example: examples/priority_queue.cc
template <class T, class Less = std::less<T>>
class PriorityQueue : public BasicQueue<T, StableHeap<T, Less>> {
 public:
  PriorityQueue() : PriorityQueue(std::string()) {}
  explicit PriorityQueue(std::string name)
      : PriorityQueue(std::numeric_limits<std::size_t>::max(), std::move(name)) {}
  explicit PriorityQueue(std::size_t capacity, std::string name = {})
      : BasicQueue<T, StableHeap<T, Less>>("a PriorityQueue", capacity, std::move(name)) {}
};

}  // namespace brigade
