// What the kernel is asked for when many give up at once: one thing for each, or nothing.
#include <chrono>
#include <cstddef>
#include <deque>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/counting_backend.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLinks = 400;          // Of two descriptors each: 1024 is a usual limit.
constexpr std::size_t kWakeUp = 1;           // The loop may ask for its own.
constexpr std::size_t kLooks = kLinks / 10;  // io_uring may tell 20 completions at a time.

Task<void> read_one(Link& link) { co_await link.reader.read(1); }

Task<void> poll_one(Link& link) { co_await wait_readable(link.peer.get()); }

// Many connections, and a task that waits at each, with what it asked for in flight.
struct Waiting {
  explicit Waiting(Task<void> (*body)(Link&)) {
    for (std::size_t i = 0; i < kLinks; ++i) links.emplace_back(unix_pair());
    for (Link& link : links) tasks.push_back(spawn(body(link)));
  }

  std::deque<Link> links;
  std::vector<TaskHandle<void>> tasks;
};

Task<void> join(const Waiting& waiting) {
  for (const TaskHandle<void>& task : waiting.tasks) co_await wait_done(task);
}

TEST_CASE("Streams: the cancels of many reads ask the kernel for nothing") {
  const auto body = []() -> Task<void> {
    Waiting waiting(&read_one);
    co_await settle();

    const Asked before = asked;
    for (const TaskHandle<void>& task : waiting.tasks) task.cancel();
    co_await join(waiting);
    const Asked during = asked - before;

    CHECK(during.submits <= kWakeUp);
    CHECK(during.cancels == 0);
    CHECK(during.looks <= kLooks);
  };
  run_async_real(body, counting(ClockKind::kReal));
}

TEST_CASE("Poll: the cancels of many waits ask the kernel for one cancel each") {
  const auto body = []() -> Task<void> {
    Waiting waiting(&poll_one);
    co_await settle();

    const Asked before = asked;
    for (const TaskHandle<void>& task : waiting.tasks) task.cancel();
    co_await join(waiting);
    const Asked during = asked - before;

    CHECK(during.submits <= kWakeUp);
    CHECK(during.cancels == kLinks);
    CHECK(during.looks <= kLooks);
  };
  run_async_real(body, counting(ClockKind::kReal));
}

TEST_CASE("Streams: closing many with a read pending asks the kernel for one cancel each at most") {
  const auto body = []() -> Task<void> {
    Waiting waiting(&read_one);
    co_await settle();

    const Asked before = asked;
    for (Link& link : waiting.links) link.writer.close();
    for (Link& link : waiting.links) co_await link.writer.wait_closed();
    const Asked during = asked - before;

    CHECK(during.submits <= kWakeUp);
    CHECK(during.cancels <= kLinks);
    CHECK(during.looks <= kLooks);
    co_await join(waiting);
  };
  run_async_real(body, counting(ClockKind::kReal));
}

}  // namespace
}  // namespace brigade
