#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Memory for coroutine frames, task contexts and short buffers: a free list per size class and
/// thread, so that a frame costs a few instructions. Classes are 16 bytes apart, and blocks are cut
/// from large chunks one behind the other: what a task holds counts where there are a million.
/// Blocks over 2 KiB, and all under a sanitizer, come from operator new.
///
/// Errors:     allocate() throws std::bad_alloc.
/// Complexity: O(1).
/// Threads:    each has its own; a block is freed on the thread that allocated it.
/// Lifetime:   a thread keeps its chunks until it ends, and longer only if a block is still in use.
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

  /// Bytes of this thread's chunks that were cut to blocks, in use or free.
  static std::size_t cut_bytes() noexcept;

  /// Blocks of this thread that are allocated and not yet freed.
  static std::size_t live() noexcept { return live_; }

 private:
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kMaxSize = 128 * kStep;

  struct Block {
    Block* next;
  };
  struct Chunk;
  using Classes = std::array<Block*, kMaxSize / kStep>;

  static std::size_t size_class(std::size_t size) noexcept { return (size - 1) / kStep; }

  static void* take(std::size_t index) {
    Block*& free = free_[index];
    if (free == nullptr) return cut(index);
    return std::exchange(free, free->next);
  }
  static void give(std::size_t index, void* memory) noexcept {
    free_[index] = new (memory) Block{free_[index]};
  }

  static void* cut(std::size_t index);
  static void add_chunk();
  static void release_all() noexcept;

  static constinit thread_local Classes free_;
  static constinit thread_local Chunk* chunks_;  // The newest first.
  static constinit thread_local char* uncut_;    // What is left of it,
  static constinit thread_local char* end_;      // to here.
  static constinit thread_local std::size_t live_;
};

inline constinit thread_local FramePool::Classes FramePool::free_{};
inline constinit thread_local std::size_t FramePool::live_ = 0;

}  // namespace brigade
