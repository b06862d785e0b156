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
  return ::operator new((index + 1) * kStep);
}

void FramePool::release_all() noexcept {
  for (Class& own : classes_) {
    while (own.free != nullptr) {
      Block* block = own.free;
      own.free = block->next;
      ::operator delete(block);
    }
    own.count = 0;
  }
}

}  // namespace brigade
