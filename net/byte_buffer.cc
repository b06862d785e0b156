#include "brigade/net/byte_buffer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "brigade/runtime/frame_pool.h"

namespace brigade {
namespace {

// Capacities are multiples of this, as the sizes of the pool are.
constexpr std::size_t kStep = 16;

constexpr std::size_t kMaxCapacity = std::numeric_limits<std::ptrdiff_t>::max() / 2;

}  // namespace

void ByteBuffer::clear() noexcept {
  if (block_ != nullptr) FramePool::deallocate(block_, sizeof(Block) + block_->capacity);
  block_ = nullptr;
}

void ByteBuffer::settle() noexcept {
  if (empty() && FramePool::pools(sizeof(Block) + capacity())) clear();
}

void ByteBuffer::reserve(std::size_t count) {
  if (block_ != nullptr && empty()) block_->begin = block_->end = 0;
  if (room_size() >= count) return;
  const std::size_t held = size();
  if (block_ != nullptr && block_->capacity - held >= count &&
      block_->begin >= block_->capacity / 2) {
    std::memmove(block_->bytes(), block_->bytes() + block_->begin, held);
  } else {
    if (count > kMaxCapacity) throw std::bad_alloc();
    const std::size_t wanted = std::max(capacity() * 2, held + count);
    const std::size_t rounded = (wanted + kStep - 1) / kStep * kStep;
    auto* const block = new (FramePool::allocate(sizeof(Block) + rounded)) Block{rounded, 0, 0};
    if (held > 0) std::memcpy(block->bytes(), view().data(), held);
    clear();
    block_ = block;
  }
  block_->begin = 0;
  block_->end = held;
}

void ByteBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  reserve(bytes.size());
  append_in_place(bytes);
}

void ByteBuffer::append_in_place(std::string_view bytes) noexcept {
  std::memcpy(room(), bytes.data(), bytes.size());
  commit(bytes.size());
}

}  // namespace brigade
