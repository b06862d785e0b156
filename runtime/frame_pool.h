#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Memory for coroutine frames, task contexts and short buffers: a free list per size class and thread, so that a
/// frame costs a few instructions after the first of its size. Classes are 16 bytes apart: what a
/// task holds counts where there are a million. Frames over 2 KiB, and all frames under a
/// sanitizer, come from operator new.
///
/// Errors:     allocate() throws std::bad_alloc.
/// Complexity: O(1).
/// Threads:    each has its own; a block is freed on the thread that allocated it.
/// Lifetime:   a thread's free blocks are returned when it ends; at most kMaxFree bytes are kept.
class FramePool {
 public:
  static void* allocate(std::size_t size) {
    void* block = kSanitized || size > kMaxSize ? ::operator new(size) : take(size_class(size));
    ++live_;
    return block;
  }

  static void deallocate(void* block, std::size_t size) noexcept {
    --live_;
    if (kSanitized || size > kMaxSize)
      ::operator delete(block);
    else
      give(size_class(size), block);
  }

  /// Whether a block of this size is kept for the next one when it is freed.
  static constexpr bool pools(std::size_t size) noexcept { return size <= kMaxSize; }

  /// Blocks of this thread that are allocated and not yet freed.
  static std::size_t live() noexcept { return live_; }

 private:
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kFirst = 24;  // malloc's own 8 bytes make it a multiple of 16.
  static constexpr std::size_t kMaxSize = kFirst + 127 * kStep;
  static constexpr std::size_t kMaxFree = std::size_t{512} << 20;

  struct Block {
    Block* next;
  };
  using Classes = std::array<Block*, (kMaxSize - kFirst) / kStep + 1>;

  static std::size_t size_class(std::size_t size) noexcept {
    return size <= kFirst ? 0 : (size - kFirst + kStep - 1) / kStep;
  }
  static std::size_t class_size(std::size_t index) noexcept { return kFirst + index * kStep; }

  static void* take(std::size_t index) {
    Block*& free = free_[index];
    if (free == nullptr) return fresh(index);
    free_bytes_ -= class_size(index);
    return std::exchange(free, free->next);
  }

  static void give(std::size_t index, void* memory) noexcept {
    const std::size_t size = class_size(index);
    if (free_bytes_ + size > kMaxFree) return ::operator delete(memory);
    free_bytes_ += size;
    free_[index] = new (memory) Block{free_[index]};
  }

  static void* fresh(std::size_t index);
  static void release_all() noexcept;

  static constinit thread_local Classes free_;
  static constinit thread_local std::size_t free_bytes_;
  static constinit thread_local std::size_t live_;
};

inline constinit thread_local FramePool::Classes FramePool::free_{};
inline constinit thread_local std::size_t FramePool::free_bytes_ = 0;
inline constinit thread_local std::size_t FramePool::live_ = 0;

}  // namespace brigade
