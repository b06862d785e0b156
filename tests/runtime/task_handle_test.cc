#include "brigade/runtime/task_handle.h"

#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<int> give(int value) { co_return value; }

Task<std::string> tic_tac() { co_return "Boum!"; }

Task<void> nothing() { co_return; }

Task<void> fail(std::string message) {
  throw std::runtime_error(message);
  co_return;
}

Task<void> throw_int() {
  throw 42;
  co_return;
}

Task<void> sleep_long() { co_await sleep(1h); }

Task<void> set(bool& started, Tracked) {
  started = true;
  co_return;
}

Task<void> join(TaskHandle<void> target) { co_await target; }

Task<void> join_and_count(TaskHandle<void> target, int& ended) {
  co_await wait_done(target);
  ++ended;
}

// Counts the cancels that reach it, and survives all but the last.
Task<void> survive(int cancels, int& delivered) {
  while (delivered < cancels) {
    try {
      co_await sleep(1h);
    } catch (const Cancelled&) {
      ++delivered;
    }
  }
}

TEST_CASE("TaskHandle: awaiting it returns the value, by reference or moved out") {
  run_async([]() -> Task<void> {
    TaskHandle<std::string> handle = spawn(tic_tac());

    const std::string& shared = co_await handle;
    CHECK(shared == "Boum!");
    CHECK(&shared == &handle.result());

    const std::string moved = co_await std::move(handle);
    CHECK(moved == "Boum!");
  });
}

TEST_CASE("TaskHandle: awaiting a failed task throws what it threw, each time") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> handle = spawn(fail("boom"));

    const std::string first = co_await thrown_by(join(handle));
    const std::string second = co_await thrown_by(join(handle));

    CHECK(first == "std::runtime_error('boom')");
    CHECK(second == first);
    CHECK_THROWS_WITH(handle.result(), "boom");
  });
}

TEST_CASE("TaskHandle: result() of a task that has not ended is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          const TaskHandle<int> handle = spawn(give(1));
          handle.result();
          co_return;
        });
      },
      "result() of a task that has not ended");
}

TEST_CASE("TaskHandle: a cancel before the first step means the body never runs [T-01]") {
  run_async([]() -> Task<void> {
    Counts counts;
    bool started = false;
    const TaskHandle<void> handle = spawn(set(started, Tracked(counts)));

    const bool asked = handle.cancel();
    const std::string thrown = co_await thrown_by(join(handle));

    CHECK(asked);
    CHECK_FALSE(started);
    CHECK(thrown == "Cancelled");
    CHECK(handle.status() == TaskStatus::kCancelled);
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE("TaskHandle: two cancels while one is pending are delivered once [T-04]") {
  run_async([]() -> Task<void> {
    int delivered = 0;
    const TaskHandle<void> handle = spawn(survive(100, delivered));
    co_await yield_now();

    handle.cancel();
    handle.cancel();
    co_await turns(3);

    CHECK(delivered == 1);
    CHECK_FALSE(handle.done());

    handle.cancel();  // After the delivery: another one.
    co_await turns(3);

    CHECK(delivered == 2);
    delivered = 99;
    handle.cancel();
    co_await wait_done(handle);
  });
}

TEST_CASE("TaskHandle: cancelling a task that has ended returns false [T-04]") {
  run_async([]() -> Task<void> {
    const TaskHandle<int> handle = spawn(give(1));
    co_await handle;

    const bool asked = handle.cancel();

    CHECK_FALSE(asked);
    CHECK(handle.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("TaskHandle: a task that swallows a cancel goes on, and its awaits work [T-05]") {
  run_async([]() -> Task<void> {
    int delivered = 0;
    const auto work = [](int& cancels) -> Task<std::string> {
      co_await thrown_by(survive(1, cancels));
      const TimePoint before = Loop::current().now();
      co_await sleep(5s);
      const int value = co_await spawn(give(7));
      co_return std::to_string(value) + " after " +
          std::to_string((Loop::current().now() - before) / 1s) + " s";
    };
    const TaskHandle<std::string> handle = spawn(work(delivered));
    co_await yield_now();

    handle.cancel();
    const std::string result = co_await handle;

    CHECK(delivered == 1);
    CHECK(result == "7 after 5 s");
  });
}

// What the handler for unhandled errors was told, in a program that runs `body` and ends.
std::string unhandled_in(AsyncBody body) {
  std::string told;
  LoopOptions options;
  options.on_unhandled_error = [&](const TaskRef& task) { told += task.to_string() + "\n"; };
  run_async(body, std::move(options));
  return told;
}

TEST_CASE("TaskHandle: an error nobody awaits is reported once, with type and name [T-06]") {
  const std::string told = unhandled_in([]() -> Task<void> {
    detach(spawn(fail("boom"), "lonely"));
    co_await turns(3);
  });

  CHECK(told == "<Task 'lonely' [ERROR] (std::runtime_error('boom'))>\n");
}

TEST_CASE("TaskHandle: the report comes when the last handle is gone [T-06]") {
  const std::string told = unhandled_in([]() -> Task<void> {
    std::optional<TaskHandle<void>> handle(spawn(fail("boom"), "lonely"));
    std::optional<TaskHandle<void>> copy(handle);
    co_await turns(3);
    handle.reset();
    detach(spawn(fail("between"), "marker"));
    co_await turns(3);
    copy.reset();
  });

  CHECK(told ==
        "<Task 'marker' [ERROR] (std::runtime_error('between'))>\n"
        "<Task 'lonely' [ERROR] (std::runtime_error('boom'))>\n");
}

TEST_CASE("TaskHandle: waiting for the end alone does not count as looking [T-06]") {
  const std::string told = unhandled_in([]() -> Task<void> {
    const TaskHandle<void> handle = spawn(fail("boom"), "lonely");
    co_await wait_done(handle);
  });

  CHECK(told == "<Task 'lonely' [ERROR] (std::runtime_error('boom'))>\n");
}

TEST_CASE("TaskHandle: no report of an error that was looked at, nor of a cancel [T-06]") {
  const std::string told = unhandled_in([]() -> Task<void> {
    const TaskHandle<void> awaited = spawn(fail("awaited"));
    co_await thrown_by(join(awaited));
    const TaskHandle<void> looked_at = spawn(fail("looked at"));
    co_await wait_done(looked_at);
    CHECK(looked_at.error() != nullptr);
    const TaskHandle<void> unborn = spawn(sleep_long());
    unborn.cancel();
    const TaskHandle<void> cancelled = spawn(sleep_long());
    co_await yield_now();
    cancelled.cancel();
    co_await wait_done(cancelled);
    CHECK(cancelled.error() == nullptr);
  });

  CHECK(told == "");
}

TEST_CASE(
    "TaskHandle: by default an unhandled error is a line on stderr and the loop goes on [T-06]") {
  const ChildEnd end = run_in_child([] {
    run_async([]() -> Task<void> {
      detach(spawn(fail("boom"), "lonely"));
      co_await turns(3);
    });
  });

  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(end.errors ==
        "brigade: nobody awaited <Task 'lonely' [ERROR] (std::runtime_error('boom'))>\n");
}

TEST_CASE("TaskHandle: dropping it detaches the task, even inside the task itself [T-07]") {
  run_async([]() -> Task<void> {
    Counts counts;
    int steps = 0;
    auto handle = std::make_unique<std::optional<TaskHandle<void>>>();
    const auto drop_own = [](std::optional<TaskHandle<void>>& own, int& done,
                             Tracked) -> Task<void> {
      co_await yield_now();
      own.reset();
      ++done;
      co_await sleep(1s);
      ++done;
    };

    handle->emplace(spawn(drop_own(*handle, steps, Tracked(counts))));
    co_await turns(3);
    CHECK(steps == 1);
    CHECK(counts.alive() > 0);
    co_await sleep(2s);

    CHECK(steps == 2);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE(
    "TaskHandle: a cancel of oneself comes at the next suspension, not from cancel() [T-13]") {
  run_async([]() -> Task<void> {
    std::string log;
    std::optional<TaskHandle<void>> self;
    const auto work = [](std::optional<TaskHandle<void>>& own, std::string& out) -> Task<void> {
      own->cancel();
      out += "asked, ";
      co_await give(1);  // Does not suspend.
      out += "awaited a ready task, ";
      co_await sleep(1s);
      out += "slept";
    };

    self.emplace(spawn(work(self, log)));
    co_await wait_done(*self);

    CHECK(log == "asked, awaited a ready task, ");
    CHECK(self->status() == TaskStatus::kCancelled);
    CHECK(Loop::current().now() == TimePoint{});
  });
}

TEST_CASE("TaskHandle: a task that awaits itself gets an error [T-14]") {
  run_async([]() -> Task<void> {
    std::optional<TaskHandle<std::string>> self;
    const auto work = [](std::optional<TaskHandle<std::string>>& own) -> Task<std::string> {
      try {
        co_await *own;
      } catch (const std::logic_error& error) {
        co_return error.what();
      }
      co_return "no error";
    };

    self.emplace(spawn(work(self), "narcissus"));
    const std::string told = co_await *self;

    CHECK(told == "task 'narcissus' awaits itself");
  });
}

TEST_CASE("TaskHandle: tasks that await each other are reported as a deadlock [T-14]") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  std::vector<TaskHandle<void>> ring;
  const auto join_at = [](std::vector<TaskHandle<void>>& all, std::size_t i) -> Task<void> {
    co_await wait_done(all[i]);
  };
  ring.push_back(loop.spawn(join_at(ring, 1), "chicken"));
  ring.push_back(loop.spawn(join_at(ring, 0), "egg"));

  std::string told;
  try {
    loop.run_until_idle();
  } catch (const DeadlockError& error) {
    told = error.what();
  }

  CHECK(told.find("'chicken' waits for the end of 'egg'") != std::string::npos);
  CHECK(told.find("'egg' waits for the end of 'chicken'") != std::string::npos);
  loop.close();
  ring.clear();
  close_and_check(loop);
}

TEST_CASE("TaskHandle: awaiting a task of another loop is an error [T-14]") {
  Loop other;
  const TaskHandle<void> foreign = other.spawn(sleep_long(), "foreign");
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));

  const std::string thrown = loop.run_until_complete(thrown_by(join(foreign)));

  CHECK(thrown == "std::logic_error('task 'foreign' belongs to another loop')");
}

TEST_CASE("TaskHandle: a cancel reaches the innermost coroutine and spares the siblings [T-15]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto inner = [](std::string& out) -> Task<void> {
      try {
        co_await sleep(1h);
      } catch (const Cancelled&) {
        out += "inner ";
        throw;
      }
    };
    const auto middle = [](auto below, std::string& out) -> Task<void> {
      try {
        co_await below(out);
      } catch (const Cancelled&) {
        out += "middle ";
        throw;
      }
    };
    const auto outer = [](auto between, auto below, std::string& out) -> Task<void> {
      try {
        co_await between(below, out);
      } catch (const Cancelled&) {
        out += "outer";
        throw;
      }
    };
    const TaskHandle<void> sibling = spawn(sleep_long());
    const TaskHandle<void> parent = spawn(outer(middle, inner, log));
    co_await yield_now();

    parent.cancel();
    co_await wait_done(parent);

    CHECK(log == "inner middle outer");
    CHECK(parent.status() == TaskStatus::kCancelled);
    CHECK_FALSE(sibling.done());
  });
}

TEST_CASE("TaskHandle: cancelling the waiter leaves the awaited task running [T-15]") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> worker = spawn(sleep_long());
    const TaskHandle<void> waiter = spawn(join(worker));
    co_await turns(2);

    waiter.cancel();
    co_await wait_done(waiter);

    CHECK(waiter.status() == TaskStatus::kCancelled);
    CHECK_FALSE(worker.done());
    co_await worker;
  });
}

TEST_CASE("TaskHandle: an error thrown while a cancel unwinds replaces it and is reported [T-16]") {
  const std::string told = unhandled_in([]() -> Task<void> {
    const auto spoil = []() -> Task<void> {
      try {
        co_await sleep(1h);
      } catch (const Cancelled&) {
        throw std::runtime_error("while cleaning up");
      }
    };
    const TaskHandle<void> handle = spawn(spoil(), "spoiler");
    co_await yield_now();

    handle.cancel();
    co_await wait_done(handle);

    CHECK(handle.status() == TaskStatus::kError);
  });

  CHECK(told == "<Task 'spoiler' [ERROR] (std::runtime_error('while cleaning up'))>\n");
}

TEST_CASE("TaskHandle: everybody who waits is told of the end, in the order of the waits") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto wait_for = [](TaskRef target, char letter, std::string& out) -> Task<void> {
      co_await wait_done(target);
      out += letter;
    };
    const TaskHandle<void> target = spawn(sleep_long());
    for (const char letter : {'a', 'b', 'c'}) detach(spawn(wait_for(target, letter, log)));

    co_await wait_done(target);
    co_await turns(2);

    CHECK(log == "abc");
  });
}

TEST_CASE("TaskHandle: a cancelled waiter leaves the list, the others are still told [T-19]") {
  run_async([]() -> Task<void> {
    int ended = 0;
    const TaskHandle<void> target = spawn(sleep_long());
    const TaskHandle<void> first = spawn(join_and_count(target, ended));
    const TaskHandle<void> second = spawn(join_and_count(target, ended));
    co_await turns(2);

    first.cancel();
    co_await target;
    co_await wait_done(second);

    CHECK(ended == 1);
    CHECK(first.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE(
    "TaskHandle: an end between a cancel and its delivery wakes the waiter only once [T-19]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](TaskHandle<void> target, std::string& out) -> Task<void> {
      out += co_await thrown_by(join(std::move(target))) + " ";
      co_await turns(3);
      out += "went on";
    };
    const TaskHandle<void> target = spawn(sleep_long());
    const TaskHandle<void> waiter = spawn(work(target, log));
    co_await turns(2);

    target.cancel();  // Ends in the next turn, before the waiter is resumed.
    waiter.cancel();
    co_await waiter;

    CHECK(log == "Cancelled went on");
    CHECK(target.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("TaskHandle: prints as the tutorials show it") {
  run_async([]() -> Task<void> {
    const TaskHandle<std::string> text = spawn(tic_tac(), "tic_tac");
    CHECK(text.to_string() == "<Task 'tic_tac' [NEW]>");
    const TaskHandle<void> none = spawn(nothing(), "none");
    const TaskHandle<int> number = spawn(give(42), "number");
    const TaskHandle<void> error = spawn(fail("x"), "error");
    const TaskHandle<void> odd = spawn(throw_int(), "odd");
    const TaskHandle<void> cancelled = spawn(sleep_long(), "cancelled");
    const TaskHandle<void> running = spawn(sleep_long(), "running");
    co_await yield_now();
    cancelled.cancel();
    co_await turns(2);

    CHECK(text.to_string() == "<Task 'tic_tac' [FINISHED] ('Boum!')>");
    CHECK(none.to_string() == "<Task 'none' [FINISHED] (None)>");
    CHECK(number.to_string() == "<Task 'number' [FINISHED] (42)>");
    CHECK(error.to_string() == "<Task 'error' [ERROR] (std::runtime_error('x'))>");
    CHECK(odd.to_string() == "<Task 'odd' [ERROR] (int)>");
    CHECK(cancelled.to_string() == "<Task 'cancelled' [CANCELLED]>");
    CHECK(running.to_string() == "<Task 'running' [RUNNING]>");
    std::ostringstream out;
    out << running;
    CHECK(out.str() == running.to_string());
    CHECK(error.error() != nullptr);
    CHECK(odd.error() != nullptr);
  });
}

TEST_CASE("TaskHandle: tasks without a name are numbered") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> first = spawn(nothing());
    const TaskHandle<void> named = spawn(nothing(), "named");
    const TaskHandle<void> second = spawn(nothing());

    CHECK(first.name() == "Task-1");
    CHECK(named.name() == "named");
    CHECK(second.name() == "Task-2");
    co_return;
  });
}

TEST_CASE("TaskHandle: copies are equal, other tasks are not") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> handle = spawn(nothing());
    const TaskHandle<void> copy = handle;
    const TaskHandle<void> other = spawn(nothing());

    CHECK(TaskRef(handle) == TaskRef(copy));
    CHECK_FALSE(TaskRef(handle) == TaskRef(other));
    co_return;
  });
}

}  // namespace
}  // namespace brigade
