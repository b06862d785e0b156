#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Bytes in the order they came, appended at one end and consumed at the other, in one piece of
/// memory that is kept for the next ones.
///
/// Errors:     whatever makes room throws std::bad_alloc and then changes nothing.
/// Complexity: append amortized O(bytes); consume O(1).
/// Lifetime:   view() and room() hold until the next reserve(), append() or clear().
class ByteBuffer {
 public:
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {data_.get() + begin_, size()}; }

  void consume(std::size_t count) noexcept { begin_ += count; }

  /// Drops the bytes and gives the memory back.
  void clear() noexcept;

  /// Free memory behind the bytes.
  char* room() noexcept { return data_.get() + end_; }
  std::size_t room_size() const noexcept { return capacity_ - end_; }

  /// Makes that at least `count`, moving the bytes if need be.
  void reserve(std::size_t count);

  /// `count` bytes were written to room().
  void commit(std::size_t count) noexcept { end_ += count; }

  void append(std::string_view bytes);

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace brigade
