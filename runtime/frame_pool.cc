#include "brigade/runtime/frame_pool.h"

#include <algorithm>
#include <new>

namespace brigade {
namespace {

// Each chunk is as large as all before it, within these bounds.
constexpr std::size_t kMinChunk = std::size_t{16} << 10;
constexpr std::size_t kMaxChunk = std::size_t{1} << 20;

}  // namespace

// What a chunk begins with.
struct alignas(16) FramePool::Chunk {
  Chunk* older;
  std::size_t total;  // bytes, of this one and all older ones
};

constinit thread_local FramePool::Chunk* FramePool::chunks_ = nullptr;
constinit thread_local char* FramePool::uncut_ = nullptr;
constinit thread_local char* FramePool::end_ = nullptr;

void* FramePool::cut(std::size_t index) {
  const std::size_t size = (index + 1) * kStep;
  if (static_cast<std::size_t>(end_ - uncut_) < size) add_chunk();
  return std::exchange(uncut_, uncut_ + size);
}

void FramePool::add_chunk() {
  // Only this slow path touches the object, so that the fast one needs no thread-exit guard.
  struct AtThreadExit {
    ~AtThreadExit() { release_all(); }
  };
  static thread_local AtThreadExit at_thread_exit;
  (void)&at_thread_exit;
  const std::size_t total = chunks_ == nullptr ? 0 : chunks_->total;
  const std::size_t size = std::clamp(total, kMinChunk, kMaxChunk);
  void* const memory = ::operator new(size);
  chunks_ = new (memory) Chunk{chunks_, total + size};
  uncut_ = static_cast<char*>(memory) + sizeof(Chunk);
  end_ = static_cast<char*>(memory) + size;
}

std::size_t FramePool::cut_bytes() noexcept {
  return chunks_ == nullptr ? 0 : chunks_->total - static_cast<std::size_t>(end_ - uncut_);
}

void FramePool::release_all() noexcept {
  if (live_ > 0) return;  // A loop gave up tasks that swallow every cancel: nobody may free them.
  free_.fill(nullptr);
  uncut_ = end_ = nullptr;
  while (chunks_ != nullptr) ::operator delete(std::exchange(chunks_, chunks_->older));
}

}  // namespace brigade
