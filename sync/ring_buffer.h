#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "brigade/runtime/platform.h"

namespace brigade {

/// A FIFO in one block of memory, which doubles when it is full and never shrinks: unlike
/// std::deque, it allocates nothing once it has seen its largest size.
///
/// Errors:     make_room() throws std::bad_alloc and changes nothing; push() and pop() cannot fail.
/// Complexity: O(1), amortized for make_room().
template <class T>
class RingBuffer {
 public:
  RingBuffer() noexcept = default;
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer() {
    while (size_ > 0) pop();
    std::allocator<T>().deallocate(slots_, allocated_);
  }

  std::size_t size() const noexcept { return size_; }

  /// For one more push().
  void make_room() {
    if (size_ == allocated_) [[unlikely]]
      grow();
  }
  void push(T&& item) noexcept {
    std::construct_at(&slot(size_), std::move(item));
    ++size_;
  }
  T pop() noexcept {
    T& oldest = slot(0);
    T item = std::move(oldest);
    std::destroy_at(&oldest);
    first_ = (first_ + 1) & (allocated_ - 1);
    --size_;
    return item;
  }

 private:
  static constexpr std::size_t kFirstAllocation = 4;

  T& slot(std::size_t position) const noexcept {
    return slots_[(first_ + position) & (allocated_ - 1)];
  }

  void grow() {
    const std::size_t larger = allocated_ == 0 ? kFirstAllocation : 2 * allocated_;
    T* const slots = std::allocator<T>().allocate(larger);
    for (std::size_t i = 0; i < size_; ++i) {
      std::construct_at(slots + i, std::move(slot(i)));
      std::destroy_at(&slot(i));
    }
    std::allocator<T>().deallocate(slots_, allocated_);
    slots_ = slots;
    first_ = 0;
    allocated_ = larger;
  }

  T* slots_ = nullptr;
  std::size_t allocated_ = 0;  // A power of two, or 0.
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace brigade
