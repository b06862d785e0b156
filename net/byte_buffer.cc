#include "brigade/net/byte_buffer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace brigade {
namespace {

// Capacities are multiples of this, as the sizes of the pool are.
constexpr std::size_t kStep = 16;

constexpr std::size_t kMaxCapacity = std::numeric_limits<std::ptrdiff_t>::max() / 2;

}  // namespace

void ByteBuffer::release() noexcept {
  FramePool::deallocate(block_, sizeof(Block) + block_->capacity);
  block_ = nullptr;
}

ByteBuffer::Block* ByteBuffer::allocate(std::size_t capacity) {
  if (capacity > kMaxCapacity) throw std::bad_alloc();
  const std::size_t rounded = (capacity + kStep - 1) / kStep * kStep;
  return new (FramePool::allocate(sizeof(Block) + rounded)) Block{rounded, 0, 0};
}

void ByteBuffer::reserve(std::size_t count) {
  if (block_ == nullptr) {
    if (count > 0) block_ = allocate(count);
    return;
  }
  if (empty()) block_->begin = block_->end = 0;
  if (room_size() >= count) return;
  const std::size_t held = size();
  if (block_->capacity - held >= count && block_->begin >= block_->capacity / 2) {
    std::memmove(block_->bytes(), block_->bytes() + block_->begin, held);
  } else {
    Block* const block = allocate(std::max(block_->capacity * 2, count + held));
    if (held > 0) std::memcpy(block->bytes(), view().data(), held);
    clear();
    block_ = block;
  }
  block_->begin = 0;
  block_->end = held;
}

}  // namespace brigade
