#include "brigade/net/byte_buffer.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <string>

#include "brigade/tests/net/sockets.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

TEST_CASE("ByteBuffer: bytes are consumed in the order they came") {
  ByteBuffer buffer;
  CHECK(buffer.empty());

  buffer.append("abc");
  buffer.append("");
  buffer.append("de");
  buffer.consume(2);

  CHECK(buffer.view() == "cde");
  CHECK(buffer.size() == 3);
  CHECK_FALSE(buffer.empty());
}

TEST_CASE("ByteBuffer: room() takes what is reserved, and commit() makes it part of the bytes") {
  ByteBuffer buffer;
  buffer.append("ab");

  buffer.reserve(100);
  REQUIRE(buffer.room_size() >= 100);
  std::memset(buffer.room(), 'x', 100);
  CHECK(buffer.view() == "ab");
  buffer.commit(100);

  CHECK(buffer.view() == "ab" + std::string(100, 'x'));
}

TEST_CASE("ByteBuffer: consuming moves nothing, so that a view stays valid") {
  ByteBuffer buffer;
  buffer.append("abcdef");
  const std::string_view first = buffer.view().substr(0, 3);

  buffer.consume(3);

  CHECK(first == "abc");
  CHECK(buffer.view().data() == first.data() + 3);
}

TEST_CASE("ByteBuffer: clear() drops the bytes and gives the memory back") {
  ByteBuffer buffer;
  buffer.append("abc");

  buffer.clear();

  CHECK(buffer.empty());
  CHECK(buffer.capacity() == 0);
  buffer.append("de");
  CHECK(buffer.view() == "de");
}

TEST_CASE("ByteBuffer: emptied, it keeps its memory for the next bytes") {
  ByteBuffer buffer;
  buffer.append(std::string(1000, 'a'));
  const std::size_t capacity = buffer.capacity();

  for (int i = 0; i < 1000; ++i) {
    buffer.consume(buffer.size());
    buffer.append(std::string(1000, 'b'));
  }

  CHECK(buffer.capacity() == capacity);
}

TEST_CASE("ByteBuffer: one that is never quite empty does not grow for ever") {
  ByteBuffer buffer;
  buffer.append("x");

  for (int i = 0; i < 100'000; ++i) {
    buffer.append(std::string(100, 'b'));
    buffer.consume(100);
  }

  CHECK(buffer.size() == 1);
  CHECK(buffer.capacity() <= 1024);
}

TEST_CASE("ByteBuffer: any sequence of appends, commits and consumes behaves as a string") {
  std::mt19937 random = seeded_random();
  ByteBuffer buffer;
  std::size_t consumed = 0;
  std::size_t appended = 0;

  bool intact = true;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t count = random() % 300;
    if (random() % 2 == 0) {
      buffer.append(counter_bytes(appended, count));
      appended += count;
    } else if (random() % 2 == 0) {
      buffer.reserve(count + 10);
      std::memcpy(buffer.room(), counter_bytes(appended, count).data(), count);
      buffer.commit(count);
      appended += count;
    }
    const std::size_t taken = std::min<std::size_t>(random() % 300, buffer.size());
    buffer.consume(taken);
    consumed += taken;
    intact = intact && buffer.size() == appended - consumed && is_counter(buffer.view(), consumed);
  }

  CHECK(intact);
}

TEST_CASE("ByteBuffer: a reserve() without memory throws std::bad_alloc and changes nothing") {
  if (kSanitized) return;  // Their allocators end the process instead.
  ByteBuffer buffer;
  buffer.append("abc");

  CHECK_THROWS_AS(buffer.reserve(std::numeric_limits<std::ptrdiff_t>::max() / 2), std::bad_alloc);

  CHECK(buffer.view() == "abc");
  buffer.append("d");
  CHECK(buffer.view() == "abcd");
}

}  // namespace
}  // namespace brigade
