#include "brigade/net/byte_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace brigade {

void ByteBuffer::clear() noexcept {
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

void ByteBuffer::reserve(std::size_t count) {
  if (empty()) begin_ = end_ = 0;
  if (room_size() >= count) return;
  const std::size_t held = size();
  if (capacity_ - held >= count && begin_ >= capacity_ / 2) {
    std::memmove(data_.get(), data_.get() + begin_, held);
  } else {
    const std::size_t capacity = std::max(capacity_ * 2, held + count);
    std::unique_ptr<char[]> data(new char[capacity]);
    if (held > 0) std::memcpy(data.get(), data_.get() + begin_, held);
    data_ = std::move(data);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

void ByteBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  reserve(bytes.size());
  std::memcpy(room(), bytes.data(), bytes.size());
  commit(bytes.size());
}

}  // namespace brigade
