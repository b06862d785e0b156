// Counts every operator new of this program: an echo must not allocate once it has warmed up.
#include <cstddef>
#include <string>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/failing_allocator.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kWarmUp = 100;
constexpr int kRounds = 1000;

Task<bool> round_trip(StreamReader& reader, StreamWriter& writer, std::string_view message) {
  writer.write(message);
  co_await writer.drain();
  const std::string_view answer = co_await reader.readexactly(message.size());
  co_return answer == message;
}

// How many allocations `kRounds` round trips cost after the warm-up; all bytes must come back.
using RoundTrip = Task<bool> (*)(StreamReader& reader, StreamWriter& writer,
                                 std::string_view message);

Task<std::size_t> allocations_of(RoundTrip trip, StreamReader& reader, StreamWriter& writer) {
  const std::string message = counter_bytes(0, 64);
  int intact = 0;
  std::size_t before = 0;
  for (int i = 0; i < kWarmUp + kRounds; ++i) {
    if (i == kWarmUp) before = allocations();
    const bool back = co_await trip(reader, writer, message);
    if (back) ++intact;
  }
  const std::size_t cost = allocations() - before;
  CHECK(intact == kWarmUp + kRounds);
  co_return cost;
}

void check_none(std::size_t cost) {
  if (kSanitized) {
    MESSAGE("not asserted under a sanitizer: frames come from operator new; counted: ", cost);
    return;
  }
  CHECK(cost == 0);
}

TEST_CASE("Allocation: this program counts what is allocated") {
  const std::size_t before = allocations();

  const std::string text(counter_bytes(0, 1000));  // In another file: not optimized away.
  const std::size_t after = allocations();

  CHECK(after > before);
}

TEST_CASE("Allocation: an echo over TCP allocates nothing after the warm-up, at either end") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await start_server(&echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.addresses()[0].port());

    const std::size_t cost = co_await allocations_of(&round_trip, reader, writer);

    check_none(cost);
  });
}

// Without drain(), by lines, within a deadline each.
Task<bool> line_trip(StreamReader& reader, StreamWriter& writer, std::string_view message) {
  writer.write(message.substr(0, 20));
  writer.write("\n");
  const std::string_view answer = co_await reader.readline();
  co_return answer.size() == 21;
}

Task<bool> timed_trip(StreamReader& reader, StreamWriter& writer, std::string_view message) {
  const bool back = co_await timeout(60s, line_trip(reader, writer, message));
  co_return back;
}

TEST_CASE("Allocation: lines with a deadline, sent at the turn's end, allocate nothing either") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await start_server(&echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.addresses()[0].port());

    const std::size_t cost = co_await allocations_of(&timed_trip, reader, writer);

    check_none(cost);
  });
}

}  // namespace
}  // namespace brigade
