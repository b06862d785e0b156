#include "brigade/runtime/frame_pool.h"

#include <new>

namespace brigade {

void* FramePool::fresh(std::size_t index) {
  // Only the slow path touches this object, so that the fast one needs no thread-exit guard.
  struct AtThreadExit {
    ~AtThreadExit() { release_all(); }
  };
  static thread_local AtThreadExit at_thread_exit;
  (void)&at_thread_exit;
  return ::operator new(class_size(index));
}

void FramePool::release_all() noexcept {
  for (Block*& free : free_)
    while (free != nullptr) ::operator delete(std::exchange(free, free->next));
  free_bytes_ = 0;
}

}  // namespace brigade
