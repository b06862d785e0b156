// LoopOptions::busy_poll, by what the loop asks of its back end.
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "brigade/runtime/epoll.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/ring.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/to_thread.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/forwarding_backend.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

/// What the loop has asked since the last one was made.
struct Asked {
  int polls = 0;
  int waits = 0;
  const Pipe* written_at_poll_10 = nullptr;
};

constinit Asked asked;

template <class Inner>
class Counting final : public ForwardingBackend<Inner> {
 public:
  using ForwardingBackend<Inner>::ForwardingBackend;
  void wait(std::optional<Nanoseconds> timeout) noexcept override {
    ++asked.waits;
    ForwardingBackend<Inner>::wait(timeout);
  }
  void poll() noexcept override {
    if (++asked.polls == 10 && asked.written_at_poll_10 != nullptr)
      asked.written_at_poll_10->write_byte();
    ForwardingBackend<Inner>::poll();
  }
};

// The back end that this program is to run on, counted.
std::unique_ptr<CustomBackend> make_counting(Loop&) {
  asked = Asked();
  const char* const name = std::getenv("BRIGADE_BACKEND");
  if (name != nullptr && std::string_view(name) == "epoll")
    return std::make_unique<Counting<Epoll>>(std::make_unique<Epoll>());
  return std::make_unique<Counting<Ring>>(std::make_unique<Ring>(256));
}

LoopOptions busy_for(Nanoseconds duration) {
  LoopOptions options;
  options.busy_poll = duration;
  options.make_backend = &make_counting;
  return options;
}

// Before it the loop has no back end to ask.
void begin() { Loop::current().capabilities(); }

TEST_CASE("busy_poll: what comes while the loop looks is taken without a sleep") {
  run_async_real(
      []() -> Task<void> {
        begin();
        const Pipe pipe;
        asked.written_at_poll_10 = &pipe;

        co_await wait_readable(pipe.reader.get());

        CHECK(asked.polls >= 10);
        CHECK(asked.waits == 0);
      },
      busy_for(1h));
}

TEST_CASE("busy_poll: a post of another thread is seen without a sleep") {
  run_async_real(
      []() -> Task<void> {
        begin();
        const auto answer = [] { return 42; };

        const int answered = co_await to_thread(answer);

        CHECK(answered == 42);
        CHECK(asked.waits == 0);
      },
      busy_for(1h));
}

TEST_CASE("busy_poll: a timer ends the looking") {
  run_async_real(
      []() -> Task<void> {
        begin();
        const TimePoint start = Loop::current().now();

        co_await sleep(5ms);

        CHECK(Loop::current().now() - start >= 5ms);
        CHECK(asked.polls > 0);
        CHECK(asked.waits == 0);
      },
      busy_for(1h));
}

TEST_CASE("busy_poll: a loop that nothing comes to sleeps") {
  run_async_real(
      []() -> Task<void> {
        begin();

        co_await sleep(50ms);

        CHECK(asked.polls > 0);
        CHECK(asked.waits > 0);
      },
      busy_for(1ms));
}

TEST_CASE("busy_poll: without it the loop sleeps at once") {
  run_async_real(
      []() -> Task<void> {
        begin();

        co_await sleep(5ms);

        CHECK(asked.polls == 0);
        CHECK(asked.waits > 0);
      },
      busy_for(0ms));
}

TEST_CASE("busy_poll: the virtual clock does not look") {
  run_async(
      []() -> Task<void> {
        begin();

        co_await sleep(1h);

        CHECK(asked.polls == 0);
        CHECK(asked.waits == 0);
      },
      busy_for(1h));
}

}  // namespace
}  // namespace brigade
