#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "brigade/runtime/frame_pool.h"

namespace brigade {

/// Bytes in the order they came, appended at one end and consumed at the other, in one piece of
/// memory that is kept for the next ones. The object itself is a pointer: an empty buffer costs
/// nothing more. Up to 2 KiB come from the FramePool, where taking and giving back costs little.
///
/// Errors:     whatever makes room throws std::bad_alloc and then changes nothing.
/// Complexity: append amortized O(bytes); consume O(1).
/// Threads:    one.
/// Lifetime:   view() and room() hold until the next reserve(), append(), settle() or clear().
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~ByteBuffer() { clear(); }

  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->end - block_->begin; }
  std::size_t capacity() const noexcept { return block_ == nullptr ? 0 : block_->capacity; }
  std::string_view view() const noexcept {
    if (block_ == nullptr) return {};
    return {block_->bytes() + block_->begin, size()};
  }

  /// At most size().
  void consume(std::size_t count) noexcept {
    if (count > 0) block_->begin += count;
  }

  /// Drops the bytes and gives the memory back.
  void clear() noexcept {
    if (block_ != nullptr) release();
  }

  /// No more bytes are expected soon: gives the memory back if there are none and it is as cheaply
  /// had again.
  void settle() noexcept {
    if (block_ != nullptr && empty() && FramePool::pools(sizeof(Block) + block_->capacity))
      release();
  }

  /// Free memory behind the bytes.
  char* room() noexcept { return block_ == nullptr ? nullptr : block_->bytes() + block_->end; }
  std::size_t room_size() const noexcept {
    return block_ == nullptr ? 0 : block_->capacity - block_->end;
  }

  /// Makes that at least `count`, moving the bytes if need be.
  void reserve(std::size_t count);

  /// `count` bytes were written to room().
  void commit(std::size_t count) noexcept {
    if (count > 0) block_->end += count;
  }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (block_ == nullptr || empty() || room_size() < bytes.size()) reserve(bytes.size());
    append_in_place(bytes);
  }

  /// Appends to room(), which is large enough, and moves nothing.
  void append_in_place(std::string_view bytes) noexcept {
    std::memcpy(room(), bytes.data(), bytes.size());
    block_->end += bytes.size();
  }

 private:
  struct Block {
    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
    std::size_t capacity;
    std::size_t begin;
    std::size_t end;
  };

  static Block* allocate(std::size_t capacity);
  void release() noexcept;

  Block* block_ = nullptr;
};

}  // namespace brigade
