#include "brigade/runtime/timeout.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/wait.h"
#include "brigade/sync/semaphore.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/tracked.h"
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

Task<void> sleep_for(Nanoseconds duration) { co_await sleep(duration); }

Task<void> within(Nanoseconds limit, Nanoseconds duration) {
  co_await timeout(limit, sleep_for(duration));
}

Task<void> within(Nanoseconds outer, Nanoseconds inner, Nanoseconds duration) {
  co_await timeout(outer, within(inner, duration));
}

Task<void> fail_after(Nanoseconds duration) {
  co_await sleep(duration);
  throw std::runtime_error("boom");
}

Task<void> fail_within(Nanoseconds limit, Nanoseconds duration) {
  co_await timeout(limit, fail_after(duration));
}

Task<std::string> outcome_within(Nanoseconds limit, Nanoseconds duration) {
  co_return co_await thrown_by(within(limit, duration));
}

// Ignores its first cancel and sleeps on.
Task<int> give_in_spite_of_a_cancel(Nanoseconds more, int value) {
  co_await thrown_by(sleep_for(1h));
  co_await sleep(more);
  co_return value;
}

Task<std::string> give_boxed(Nanoseconds limit, Nanoseconds duration) {
  const auto box = [](Nanoseconds after) -> Task<std::unique_ptr<int>> {
    co_await sleep(after);
    co_return std::make_unique<int>(7);
  };
  const std::unique_ptr<int> value = co_await timeout(limit, box(duration));
  co_return std::to_string(*value);
}

TEST_CASE("timeout: returns the value of a task that is in time") {
  run_async([]() -> Task<void> {
    const int value = co_await timeout(2s, give_after(1s, 7));
    CHECK(value == 7);
    CHECK(now() == TimePoint(1s));

    const std::string boxed = co_await give_boxed(2s, 1s);
    CHECK(boxed == "7");

    co_await sleep(10s);  // The deadline is gone: no cancel comes.
    CHECK(now() == TimePoint(12s));
  });
}

TEST_CASE("timeout: a task that does not suspend costs no turn") {
  run_async([]() -> Task<void> {
    const auto give = []() -> Task<int> { co_return 7; };
    std::string log;
    const auto note = [](std::string& out) -> Task<void> {
      out += "ran";
      co_return;
    };
    detach(spawn(note(log)));

    const int value = co_await timeout(1s, give());

    CHECK(value == 7);
    CHECK(log == "");
  });
}

TEST_CASE("timeout: cancels the task at the deadline and throws TimeoutError") {
  run_async([]() -> Task<void> {
    Counts counts;
    const auto work = [](Tracked) -> Task<void> { co_await sleep(1h); };
    const auto attempt = [](auto body, Counts& tracked) -> Task<void> {
      co_await timeout(1s, body(Tracked(tracked)));
    };

    const std::string thrown = co_await thrown_by(attempt(work, counts));

    CHECK(thrown == kTimedOut);
    CHECK(now() == TimePoint(1s));
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE("timeout: passes on what the task throws") {
  run_async([]() -> Task<void> {
    const std::string thrown = co_await thrown_by(fail_within(2s, 1s));

    CHECK(thrown == "std::runtime_error('boom')");
    co_await sleep(5s);
    CHECK(now() == TimePoint(6s));
  });
}

TEST_CASE("timeout: after a TimeoutError later awaits work, and a later cancel is delivered") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](std::string& out) -> Task<void> {
      out += co_await thrown_by(within(1s, 1h)) + ", ";
      co_await sleep(1s);
      const int value = co_await spawn(give_after(1s, 7));
      out += std::to_string(value) + ", ";
      out += co_await thrown_by(within(1s, 1h)) + ", ";
      out += co_await thrown_by(sleep_for(1h));
    };
    const TaskHandle<void> worker = spawn(work(log));
    co_await sleep(10s);

    worker.cancel();
    co_await worker;

    CHECK(log == kTimedOut + ", 7, " + kTimedOut + ", Cancelled");
  });
}

TEST_CASE("timeout: takes its cancel request back") {
  run_async([]() -> Task<void> {
    co_await thrown_by(within(1s, 1h));
    CHECK(current_context->cancel_requests() == 0);

    co_await thrown_by(within(2s, 1s, 1h));
    CHECK(current_context->cancel_requests() == 0);

    co_await timeout(1s, give_in_spite_of_a_cancel(1s, 1));
    CHECK(current_context->cancel_requests() == 0);
  });
}

TEST_CASE("timeout: a cancel from outside before the deadline is Cancelled") {
  run_async([]() -> Task<void> {
    const TaskHandle<std::string> worker = spawn(outcome_within(2s, 1h));
    co_await sleep(1s);

    worker.cancel();
    const std::string thrown = co_await worker;

    CHECK(thrown == "Cancelled");
    CHECK(now() == TimePoint(1s));
  });
}

// Does something at an instant, before any task runs.
class Event : public Timer {
 public:
  explicit Event(std::function<void()> happens) : Timer(&fire), happens_(std::move(happens)) {}
  ~Event() { Loop::current().disarm(*this); }

 private:
  static void fire(Timer& timer) noexcept { static_cast<Event&>(timer).happens_(); }

  std::function<void()> happens_;
};

TEST_CASE("timeout: a cancel from outside at the instant of the deadline wins over it [T-20]") {
  run_async([]() -> Task<void> {
    for (const bool before : {true, false}) {
      std::optional<TaskRef> target;
      Event cancel([&] { target->cancel(); });
      const TimePoint deadline = now() + 1s;
      if (before) Loop::current().arm(cancel, deadline);
      const TaskHandle<std::string> worker = spawn(outcome_within(1s, 1h));
      target = worker;
      co_await yield_now();
      if (!before) Loop::current().arm(cancel, deadline);

      const std::string thrown = co_await worker;

      CHECK(thrown == "Cancelled");
      CHECK(now() == deadline);
    }
  });
}

// What a task got that waited for a permit within a second.
Task<std::string> acquire_within_a_second(Semaphore& semaphore) {
  const auto acquire = [](Semaphore& own) -> Task<int> {
    const Semaphore::Permit permit = co_await own.acquire();
    co_return 7;
  };
  try {
    const int value = co_await timeout(1s, acquire(semaphore));
    co_await yield_now();  // A cancel that was not taken back would come here.
    co_return std::to_string(value);
  } catch (const TimeoutError&) {
    co_return "TimeoutError";
  }
}

TEST_CASE(
    "timeout: a result that is ready at the deadline wins if it was first, never both [T-20]") {
  run_async([]() -> Task<void> {
    for (const bool before : {true, false}) {
      Semaphore semaphore(1);
      std::optional<Semaphore::Permit> held(co_await semaphore.acquire());
      Event release([&] { held.reset(); });
      const TimePoint deadline = now() + 1s;
      if (before) Loop::current().arm(release, deadline);
      const TaskHandle<std::string> worker = spawn(acquire_within_a_second(semaphore));
      co_await yield_now();
      if (!before) Loop::current().arm(release, deadline);

      const std::string got = co_await worker;

      CHECK(got == (before ? "7" : "TimeoutError"));
      CHECK(now() == deadline);
      CHECK(semaphore.available() == 1);
    }
  });
}

TEST_CASE("timeout: a sleep that ends at the deadline timed out [T-20]") {
  run_async([]() -> Task<void> {
    const std::string thrown = co_await thrown_by(within(1s, 1s));

    CHECK(thrown == kTimedOut);
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("timeout: after a stall beyond both, a wait that ended first keeps its result [T-20]") {
  run_async_real([]() -> Task<void> {
    const auto stall = []() -> Task<void> {
      std::this_thread::sleep_for(20ms);
      co_return;
    };
    const auto wait_a_bit = [](TaskHandle<void> never) -> Task<std::size_t> {
      std::vector<TaskHandle<void>> handles;
      handles.push_back(std::move(never));
      const auto result = co_await wait(std::move(handles), WaitMode::kAll, 5ms);
      co_return result.pending.size();
    };
    const TaskHandle<void> never = spawn(sleep_for(1h));
    detach(spawn(stall()));

    const std::size_t pending = co_await timeout(10ms, wait_a_bit(never));

    CHECK(pending == 1);
    CHECK(current_context->cancel_requests() == 0);
  });
}

TEST_CASE("timeout: nested, each sees only its own deadline") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto outer = [](std::string& out) -> Task<void> {
      out += "inner " + co_await thrown_by(within(1s, 1h)) + ", ";
      co_await sleep(1h);
    };
    const auto attempt = [](auto body, std::string& out) -> Task<void> {
      co_await timeout(3s, body(out));
    };

    log += "outer " + co_await thrown_by(attempt(outer, log));

    CHECK(log == "inner " + kTimedOut + ", outer " + kTimedOut);
    CHECK(now() == TimePoint(3s));
  });
}

TEST_CASE("timeout: nested, the inner passes the cancel of the outer on") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto outer = [](std::string& out) -> Task<void> {
      out += "inner " + co_await thrown_by(within(5s, 1h)) + ", ";
      co_await yield_now();
      out += "went on";
    };
    const auto attempt = [](auto body, std::string& out) -> Task<void> {
      co_await timeout(2s, body(out));
    };

    const std::string thrown = co_await thrown_by(attempt(outer, log));

    CHECK(log == "inner Cancelled, went on");  // It swallowed the cancel of the outer,
    CHECK(thrown == "nothing");                // and came back: as in asyncio, no TimeoutError.
    CHECK(now() == TimePoint(2s));
  });
}

TEST_CASE("timeout: nested with equal deadlines, the outer one times out") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto inner = [](std::string& out) -> Task<void> {
      try {
        co_await timeout(1s, sleep_for(1h));
      } catch (const TimeoutError&) {
        out += "inner timed out";
      }
    };
    const auto attempt = [](auto body, std::string& out) -> Task<void> {
      co_await timeout(1s, body(out));
    };

    const std::string thrown = co_await thrown_by(attempt(inner, log));

    CHECK(log == "");
    CHECK(thrown == kTimedOut);
  });
}

TEST_CASE("timeout: waits for a task that swallows the cancel, whose value then counts") {
  run_async([]() -> Task<void> {
    const int value = co_await timeout(1s, give_in_spite_of_a_cancel(5s, 7));

    CHECK(value == 7);
    CHECK(now() == TimePoint(6s));
    co_await sleep(1s);
  });
}

TEST_CASE("timeout: an error thrown while the cancel unwinds replaces the TimeoutError") {
  run_async([]() -> Task<void> {
    const auto spoil = []() -> Task<void> {
      try {
        co_await sleep(1h);
      } catch (const Cancelled&) {
        throw std::runtime_error("while cleaning up");
      }
    };
    const auto attempt = [](auto body) -> Task<void> { co_await timeout(1s, body()); };

    const std::string thrown = co_await thrown_by(attempt(spoil));

    CHECK(thrown == "std::runtime_error('while cleaning up')");
    co_await sleep(1s);
  });
}

TEST_CASE("timeout: a task that cancels itself is not a TimeoutError") {
  run_async([]() -> Task<void> {
    const auto give_up = []() -> Task<void> {
      throw Cancelled();
      co_return;
    };
    const auto attempt = [](auto body) -> Task<void> { co_await timeout(1s, body()); };

    const std::string thrown = co_await thrown_by(attempt(give_up));

    CHECK(thrown == "Cancelled");
  });
}

TEST_CASE("timeout: with a cancel already due throws Cancelled at the first suspension") {
  run_async([]() -> Task<void> {
    const auto cancel_self_first = []() -> Task<std::string> {
      current_context->cancel();
      co_return co_await thrown_by(within(1s, 1h));
    };

    const std::string thrown = co_await spawn(cancel_self_first());

    CHECK(thrown == "Cancelled");
    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("timeout: of zero or less ends a task that waits, and time does not move [C-02]") {
  run_async([]() -> Task<void> {
    for (const Nanoseconds limit : {Nanoseconds(0), Nanoseconds(-1h), Nanoseconds::min()}) {
      const std::string thrown = co_await thrown_by(within(limit, 1h));
      CHECK(thrown == kTimedOut);
    }
    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("timeout: of zero or less returns the value of a task that does not suspend") {
  run_async([]() -> Task<void> {
    const auto give = []() -> Task<int> { co_return 7; };

    const int of_zero = co_await timeout(0s, give());
    const int of_less = co_await timeout(-1h, give());

    CHECK(of_zero == 7);
    CHECK(of_less == 7);
  });
}

TEST_CASE("timeout: of zero lets the task run up to its first suspension point, be it a yield") {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    run_async_real(
        []() -> Task<void> {
          int turns_had = 0;
          const auto yield_on = [](int& count) -> Task<void> {
            for (; count < 1000; ++count) co_await yield_now();
          };
          const auto attempt = [](auto body, int& count) -> Task<void> {
            co_await timeout(0s, body(count));
          };

          const std::string thrown = co_await thrown_by(attempt(yield_on, turns_had));

          CHECK(thrown == kTimedOut);
          CHECK(turns_had == 0);
        },
        std::move(options));
  }
}

TEST_CASE("timeout: of zero does not swallow a cancel that is due already") {
  run_async([]() -> Task<void> {
    const auto give = []() -> Task<int> { co_return 7; };
    const auto without_suspension = [](auto body) -> Task<std::string> {
      current_context->cancel();
      const int value = co_await timeout(0s, body());
      co_return std::to_string(value) + co_await thrown_by(sleep_for(1s));
    };
    const auto with_suspension = []() -> Task<std::string> {
      current_context->cancel();
      co_return co_await thrown_by(within(0s, 1s));
    };

    const std::string first = co_await spawn(without_suspension(give));
    const std::string second = co_await spawn(with_suspension());

    CHECK(first == "7Cancelled");
    CHECK(second == "Cancelled");
  });
}

TEST_CASE("timeout: the shortest and the longest limits on the real clock [C-02]") {
  run_async_real([]() -> Task<void> {
    for (const Nanoseconds limit : {Nanoseconds(0), Nanoseconds(-1h), Nanoseconds::min()}) {
      const std::string thrown = co_await thrown_by(within(limit, 1h));
      CHECK(thrown == kTimedOut);
    }
    const std::string longest = co_await thrown_by(within(Nanoseconds::max(), 1ms));
    CHECK(longest == "nothing");
    const int hours = co_await timeout(std::chrono::hours::max(), give_after(1ms, 7));
    CHECK(hours == 7);
  });
}

TEST_CASE("timeout: never early on the real clock [C-03]") {
  run_async_real([]() -> Task<void> {
    const auto start = std::chrono::steady_clock::now();

    const std::string thrown = co_await thrown_by(within(3ms, 1h));

    CHECK(thrown == kTimedOut);
    CHECK(std::chrono::steady_clock::now() - start >= 3ms);
  });
}

TEST_CASE("timeout: ends a wait on the kernel") {
  run_async([]() -> Task<void> {
    const Pipe pipe;
    const auto read = [](int fd) -> Task<void> { co_await wait_readable(fd); };
    const auto attempt = [](auto body, int fd) -> Task<void> { co_await timeout(1s, body(fd)); };

    const std::string thrown = co_await thrown_by(attempt(read, pipe.reader.get()));

    CHECK(thrown == kTimedOut);
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("timeout: one that is never awaited harms nobody") {
  run_async([]() -> Task<void> {
    Counts counts;
    const auto work = [](Tracked) -> Task<void> { co_return; };

    {
      const auto unused = timeout(1s, work(Tracked(counts)));
    }
    co_await sleep(2s);

    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE("timeout_at: ends a task at an instant") {
  run_async([]() -> Task<void> {
    const auto until = [](TimePoint when, Nanoseconds duration) -> Task<void> {
      co_await timeout_at(when, sleep_for(duration));
    };
    co_await sleep(1s);

    const std::string late = co_await thrown_by(until(TimePoint(3s), 1h));
    CHECK(late == kTimedOut);
    CHECK(now() == TimePoint(3s));

    const std::string in_time = co_await thrown_by(until(TimePoint(5s), 1s));
    CHECK(in_time == "nothing");
    CHECK(now() == TimePoint(4s));

    const std::string passed = co_await thrown_by(until(TimePoint(3s), 1s));
    CHECK(passed == kTimedOut);
    CHECK(now() == TimePoint(4s));
  });
}

TEST_CASE("timeout: TimePoint::max() is no deadline, and no timer") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  const auto hang = []() -> Task<void> {
    Semaphore semaphore(1);
    const Semaphore::Permit held = co_await semaphore.acquire();
    const Semaphore::Permit never = co_await semaphore.acquire();
  };
  const auto attempt = [](auto body) -> Task<void> {
    co_await timeout_at(TimePoint::max(), body());
  };

  CHECK_THROWS_AS(loop.run_until_complete(attempt(hang)), DeadlockError);
  close_and_check(loop);
}

Task<void> within(Deadline& deadline, Task<void> task) {
  co_await timeout(deadline, std::move(task));
}

TEST_CASE("Deadline: tells when it is, and whether it has passed") {
  run_async([]() -> Task<void> {
    Deadline deadline(2s);
    CHECK(deadline.when() == TimePoint(2s));

    const std::string in_time = co_await thrown_by(within(deadline, sleep_for(1s)));
    CHECK(in_time == "nothing");
    CHECK_FALSE(deadline.expired());

    const std::string late = co_await thrown_by(within(deadline, sleep_for(2s)));
    CHECK(late == kTimedOut);
    CHECK(now() == TimePoint(2s));  // The same instant for both.
    CHECK(deadline.expired());

    const Deadline never(TimePoint::max());
    CHECK(never.when() == TimePoint::max());
  });
}

TEST_CASE("Deadline: can be moved by who it would end, and by others") {
  run_async([]() -> Task<void> {
    const auto work = [](Deadline& own) -> Task<void> {
      co_await sleep(1s);
      own.reschedule(own.when() + 5s);
      CHECK(own.when() == TimePoint(7s));
      co_await sleep(1h);
    };
    const auto hurry = [](Deadline& own, TaskRef task) -> Task<void> {
      co_await sleep(3s);
      CHECK(task.status() == TaskStatus::kRunning);
      own.reschedule(TimePoint(4s));
    };
    Deadline deadline(2s);
    const TaskHandle<std::string> worker = spawn(thrown_by(within(deadline, work(deadline))));
    co_await yield_now();
    detach(spawn(hurry(deadline, worker)));

    const std::string thrown = co_await worker;

    CHECK(thrown == kTimedOut);
    CHECK(now() == TimePoint(4s));
    co_await sleep(10s);  // The instants that it was moved from pass without effect.
    CHECK(deadline.expired());
  });
}

TEST_CASE("Deadline: moved to never, or to what has passed") {
  run_async([]() -> Task<void> {
    const auto work = [](Deadline& own, TimePoint when) -> Task<void> {
      own.reschedule(when);
      co_await sleep(10s);
    };
    Deadline never(2s);
    Deadline passed(2s);

    const std::string late = co_await thrown_by(within(never, work(never, TimePoint::max())));
    CHECK(late == "nothing");
    CHECK(now() == TimePoint(10s));
    CHECK_FALSE(never.expired());

    passed.reschedule(now() + 2s);  // Before anything runs with it, it only moves.
    const std::string early = co_await thrown_by(within(passed, work(passed, TimePoint(1s))));
    CHECK(early == kTimedOut);
    CHECK(now() == TimePoint(10s));
    CHECK(current_context->cancel_requests() == 0);
  });
}

TEST_CASE("Deadline: cannot be moved any more while its cancel is under way") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](Deadline& own, std::string& out) -> Task<void> {
      co_await thrown_by(sleep_for(1h));
      CHECK(own.expired());
      const auto move = [](Deadline& moved) -> Task<void> {
        moved.reschedule(TimePoint(9s));
        co_return;
      };
      out += co_await thrown_by(move(own));
    };
    Deadline deadline(2s);

    co_await within(deadline, work(deadline, log));

    CHECK(log == "std::logic_error('reschedule() of a deadline that has passed')");
    CHECK(deadline.when() == TimePoint(2s));
    CHECK(deadline.expired());
  });
}

TEST_CASE("Deadline: two timeouts with one at a time are a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Deadline deadline(2s);
          co_await within(deadline, within(deadline, sleep_for(1s)));
        });
      },
      "one Deadline ends two timeouts at a time");
}

TEST_CASE("timeout: every pair of nested deadlines, whichever is first wins") {
  run_async([]() -> Task<void> {
    const auto inner = [](Nanoseconds limit, std::string& out) -> Task<void> {
      out += "inner " + co_await outcome_within(limit, 3s) + ", ";
      co_await yield_now();
    };
    const auto attempt = [](auto body, Nanoseconds outer_limit, Nanoseconds limit,
                            std::string& out) -> Task<void> {
      co_await timeout(outer_limit, body(limit, out));
    };
    for (const Nanoseconds outer_limit : {1s, 2s, 4s}) {
      for (const Nanoseconds inner_limit : {1s, 2s, 4s}) {
        std::string log;
        const TimePoint start = now();

        log += "outer " + co_await thrown_by(attempt(inner, outer_limit, inner_limit, log));

        const bool outer_first = outer_limit <= inner_limit && outer_limit < 3s;
        const bool inner_first = inner_limit < outer_limit && inner_limit < 3s;
        CHECK(log == (outer_first   ? "inner Cancelled, outer nothing"
                      : inner_first ? "inner " + kTimedOut + ", outer nothing"
                                    : "inner nothing, outer nothing"));
        CHECK(now() == start + std::min({outer_limit, inner_limit, Nanoseconds(3s)}));
        CHECK(current_context->cancel_requests() == 0);
      }
    }
  });
}

TEST_CASE("timeout: a task that cancels itself within is told at its next suspension [T-13]") {
  run_async([]() -> Task<void> {
    const auto cancel_self = [](std::string& out) -> Task<void> {
      current_context->cancel();
      out += "went on";
      co_await sleep(1h);
    };
    const auto attempt = [](auto body, std::string& out) -> Task<void> {
      co_await timeout(1s, body(out));
    };
    std::string log;

    const std::string thrown = co_await spawn(thrown_by(attempt(cancel_self, log)));

    CHECK(log == "went on");
    CHECK(thrown == "Cancelled");
    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("timeout: its cancel reaches the innermost task, spawned ones go on [T-15]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto level = [](int depth, std::string& out, auto self) -> Task<void> {
      try {
        if (depth == 0) co_await sleep(1h);
        if (depth > 0) co_await self(depth - 1, out, self);
      } catch (const Cancelled&) {
        out += std::to_string(depth);
        throw;
      }
    };
    const auto attempt = [](auto body, std::string& out) -> Task<void> {
      co_await timeout(1s, body(2, out, body));
    };
    const TaskHandle<int> sibling = spawn(give_after(5s, 7));

    const std::string thrown = co_await thrown_by(attempt(level, log));
    const int value = co_await sibling;

    CHECK(thrown == kTimedOut);
    CHECK(log == "012");
    CHECK(value == 7);
  });
}

}  // namespace
}  // namespace brigade
