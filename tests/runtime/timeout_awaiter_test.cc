// timeout() of what is no Task: it waits in the caller's own frame.
#include <chrono>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "brigade/runtime/poll.h"
#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/sync/event.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/queue.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

const std::string kTimedOut = "brigade::TimeoutError('deadline passed')";

TimePoint now() { return Loop::current().now(); }

Task<int> give_after(Nanoseconds duration, int value) {
  co_await sleep(duration);
  co_return value;
}

Task<void> set_after(Nanoseconds duration, Event& event) {
  co_await sleep(duration);
  event.set();
}

Task<void> wait_within(Nanoseconds limit, Event& event) { co_await timeout(limit, event.wait()); }

TEST_CASE("timeout: of an awaiter returns its value, or ends its wait at the deadline") {
  run_async([]() -> Task<void> {
    Event early;
    Event late;
    detach(spawn(set_after(1s, early)));

    co_await timeout(2s, early.wait());
    const TimePoint set = now();
    const std::string thrown = co_await thrown_by(wait_within(2s, late));
    const TimePoint given_up = now();
    co_await sleep(10s);  // Nothing comes later.

    CHECK(set == TimePoint(1s));
    CHECK(thrown == kTimedOut);
    CHECK(given_up == TimePoint(3s));
    CHECK(late.waiting() == 0);
  });
}

Task<std::string> get_within(Nanoseconds limit, Queue<std::string>& queue) {
  std::optional<std::string> got = co_await timeout(limit, queue.get());
  co_return std::move(got).value();
}
Task<void> expect_within(Nanoseconds limit, Queue<std::string>& queue) {
  co_await timeout(limit, queue.get());
}

TEST_CASE("timeout: an item that a queue gave is not lost, one that comes later stays [T-03]") {
  run_async([]() -> Task<void> {
    const std::string long_text(100, 'x');
    Queue<std::string> queue(2);
    const TaskHandle<std::string> getting = spawn(get_within(1s, queue));
    co_await sleep(1s - 1ns);
    const bool put = queue.try_put(long_text);
    const std::string got = co_await getting;

    const std::string thrown = co_await thrown_by(expect_within(1s, queue));
    const bool put_later = queue.try_put("later");

    CHECK(put);
    CHECK(got == long_text);
    CHECK(thrown == kTimedOut);
    CHECK(put_later);
    CHECK(queue.size() == 1);
  });
}

TEST_CASE("timeout: of zero or less takes what is there, and waits for nothing [C-02]") {
  run_async([]() -> Task<void> {
    for (const Nanoseconds limit : {0ns, -1ns}) {
      Queue<std::string> queue(2);
      const bool put = queue.try_put("there");

      const std::optional<std::string> got = co_await timeout(limit, queue.get());
      const std::string thrown = co_await thrown_by(expect_within(limit, queue));

      CHECK(put);
      CHECK(got == "there");
      CHECK(thrown == kTimedOut);
    }
    CHECK(now() == TimePoint(0s));
    co_await sleep(1s);  // No cancel is left over.
  });
}

Task<void> hold(Lock& lock, Nanoseconds limit, Nanoseconds duration) {
  const Lock::Guard guard = co_await timeout(limit, lock.acquire());
  co_await sleep(duration);
}

TEST_CASE("timeout: a lock that was acquired in time is held, one that was not is not taken") {
  run_async([]() -> Task<void> {
    Lock lock;
    const TaskHandle<void> first = spawn(hold(lock, 1s, 2s));
    const TaskHandle<void> second = spawn(hold(lock, 1s, 2s));
    const TaskHandle<void> third = spawn(hold(lock, 3s, 2s));
    co_await sleep(1500ms);
    const TaskStatus given_up = second.status();
    co_await sleep(1s);
    const bool held = lock.locked();
    co_await sleep(2s);

    CHECK(first.status() == TaskStatus::kFinished);
    CHECK(given_up == TaskStatus::kError);
    CHECK(held);
    CHECK(third.status() == TaskStatus::kFinished);
    CHECK_FALSE(lock.locked());
    const std::string thrown = repr(second.error());
    CHECK(thrown == kTimedOut);
  });
}

Task<void> put_within(Nanoseconds limit, Queue<std::string>& queue) {
  co_await timeout(limit, queue.put("late"));
}

enum class Step { kReady, kSuspend };

// Throws before it waits.
struct Refusal {
  bool await_ready() const {
    if (step == Step::kReady) throw std::logic_error("in its first step");
    return false;
  }
  bool await_suspend(std::coroutine_handle<>) const {
    throw std::logic_error("in its second step");
  }
  void await_resume() const {}
  const Step step;
};

Task<void> be_refused(Nanoseconds limit, Step step) {
  const Refusal refusal{step};
  co_await timeout(limit, refusal);
}

TEST_CASE("timeout: what throws at once is thrown, and no cancel is left over") {
  run_async([]() -> Task<void> {
    Queue<std::string> queue(1);
    queue.close();

    for (const Nanoseconds limit : {0ns, 1ns, Nanoseconds(1s)}) {
      const std::string thrown = co_await thrown_by(put_within(limit, queue));
      const std::string first = co_await thrown_by(be_refused(limit, Step::kReady));
      const std::string second = co_await thrown_by(be_refused(limit, Step::kSuspend));
      co_await sleep(2s);
      CHECK(thrown.find("QueueClosed") != std::string::npos);
      CHECK(first.find("in its first step") != std::string::npos);
      CHECK(second.find("in its second step") != std::string::npos);
    }
  });
}

TEST_CASE("timeout: of a handle only stops waiting, its task goes on") {
  run_async([]() -> Task<void> {
    const TaskHandle<int> quick = spawn(give_after(1s, 42));
    const TaskHandle<int> slow = spawn(give_after(1h, 43));
    const auto join = [](const TaskHandle<int>& handle) -> Task<void> {
      co_await timeout(2s, handle);
    };

    const int value = co_await timeout(2s, quick);
    const std::string thrown = co_await thrown_by(join(slow));
    const TimePoint given_up = now();
    const int slow_value = co_await slow;

    CHECK(value == 42);
    CHECK(thrown == kTimedOut);
    CHECK(given_up == TimePoint(3s));
    CHECK(slow_value == 43);
  });
}

TEST_CASE("timeout: a cancel from outside wins over the deadline of an awaiter [T-20]") {
  run_async([]() -> Task<void> {
    Event never;
    const TaskHandle<void> before = spawn(wait_within(2s, never));
    const TaskHandle<void> at_once = spawn(wait_within(1s, never));
    co_await sleep(1s);
    before.cancel();
    at_once.cancel();
    co_await sleep(0s);
    co_await sleep(5s);

    CHECK(before.status() == TaskStatus::kCancelled);
    CHECK(never.waiting() == 0);
  });
}

TEST_CASE("timeout: nested over an awaiter, the first deadline ends it [T-20]") {
  run_async([]() -> Task<void> {
    Event never;
    const auto nested = [](Event& event, Nanoseconds outer, Nanoseconds inner) -> Task<void> {
      co_await timeout(outer, timeout(inner, event.wait()));
    };

    const std::string inner = co_await thrown_by(nested(never, 3s, 1s));
    const TimePoint first = now();
    const std::string outer = co_await thrown_by(nested(never, 1s, 3s));

    CHECK(inner == kTimedOut);
    CHECK(first == TimePoint(1s));
    CHECK(outer == kTimedOut);
    CHECK(now() == TimePoint(2s));
  });
}

TEST_CASE("timeout_at, Deadline: end an awaiter as well") {
  run_async([]() -> Task<void> {
    Event event;
    Deadline deadline(2s);
    const auto until = [](TimePoint when, Event& what) -> Task<void> {
      co_await timeout_at(when, what.wait());
    };
    const auto by = [](Deadline& when, Event& what) -> Task<void> {
      co_await timeout(when, what.wait());
    };

    const std::string at = co_await thrown_by(until(TimePoint(1s), event));
    const std::string ended = co_await thrown_by(by(deadline, event));
    detach(spawn(set_after(1s, event)));
    co_await timeout_at(TimePoint(5s), event.wait());

    CHECK(at == kTimedOut);
    CHECK(ended == kTimedOut);
    CHECK(deadline.expired());
    CHECK(now() == TimePoint(3s));
  });
}

Task<void> read_within(Nanoseconds limit, int fd) { co_await timeout(limit, wait_readable(fd)); }

TEST_CASE("timeout: a wait on the kernel is given back before the error comes [T-02]") {
  run_async([]() -> Task<void> {
    const Pipe pipe;

    const std::string thrown = co_await thrown_by(read_within(1ms, pipe.reader.get()));
    const std::size_t left = Loop::current().operations().size();
    pipe.write_byte();
    co_await timeout(1h, wait_readable(pipe.reader.get()));

    CHECK(thrown == kTimedOut);
    CHECK(left == 0);
  });
}

}  // namespace
}  // namespace brigade
