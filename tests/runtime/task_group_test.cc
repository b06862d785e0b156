#include "brigade/runtime/task_group.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/small_stack.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

const std::string kTimedOut = "brigade::TimeoutError('deadline passed')";
const std::string kBoom = "std::runtime_error('boom')";

TimePoint now() { return Loop::current().now(); }

unsigned cancel_requests() { return current_context->cancel_requests(); }

Task<void> note_after(Nanoseconds duration, std::string& log, std::string word) {
  co_await sleep(duration);
  log += word + " ";
}

Task<void> fail_after(Nanoseconds duration, std::string message = "boom") {
  co_await sleep(duration);
  throw std::runtime_error(message);
}

// Fails in the turn in which `task` ends, cancelled or not.
Task<void> fail_after(TaskHandle<void> task, std::string message = "boom") {
  co_await task;
  throw std::runtime_error(message);
}

// The same, behind who waits for it already.
Task<void> fail_late(TaskHandle<void> task, std::string message) {
  co_await turns(3);
  co_await std::move(task);
  throw std::runtime_error(message);
}

// Notes a cancel, cleans up for a while, and ends as `then` says.
enum class Then { kCancelled, kError, kReturn };
Task<void> clean_up(std::string& log, std::string name, Nanoseconds duration,
                    Then then = Then::kCancelled) {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  if (!cancelled) co_return;
  log += name + " cancelled ";
  co_await sleep(duration);
  log += name + " clean ";
  if (then == Then::kError) throw std::runtime_error(name);
  if (then == Then::kCancelled) throw Cancelled();
}

Task<void> sleep_for(Nanoseconds duration) { co_await sleep(duration); }

// The usual group of these tests: what it runs, as a list of children and what the body does then.
using Children = std::vector<Task<void>>;
Task<void> spawn_all(Children& children, Task<void>& body, TaskGroup& group) {
  for (Task<void>& child : children) detach(group.spawn(std::move(child)));
  co_await std::move(body);
}

template <class... Child>
Task<void> group_of(Task<void> body, Child... child) {
  Children children;
  (children.push_back(std::move(child)), ...);
  co_await task_group(&spawn_all, std::ref(children), std::ref(body));
}

Task<void> nothing() { co_return; }

Task<void> within(Nanoseconds limit, Task<void> task) { co_await timeout(limit, std::move(task)); }

// What a task throws, and then what its next suspension does: whether a cancel is due.
Task<std::string> outcome_and_next(Task<void> task) {
  std::string outcome = co_await thrown_by(std::move(task));
  outcome += ", then " + co_await thrown_by(sleep_for(0s));
  outcome += ", then " + co_await thrown_by(sleep_for(0s));
  co_return outcome;
}

TEST_CASE("TaskGroup: waits for its tasks, and returns what the body returned") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body = [](std::string& out, TaskGroup& group) -> Task<std::unique_ptr<int>> {
      detach(group.spawn(note_after(3s, out, "slow")));
      detach(group.spawn(note_after(1s, out, "quick"), "a name"));
      out += "body ";
      co_return std::make_unique<int>(7);
    };

    const std::unique_ptr<int> value = co_await task_group(body, std::ref(log));

    CHECK(*value == 7);
    CHECK(log == "body quick slow ");
    CHECK(now() == TimePoint(3s));
    CHECK(Loop::current().ledger().tasks == 1);
  });
}

TEST_CASE("TaskGroup: of no tasks ends with its body, without a turn") {
  run_async([]() -> Task<void> {
    std::string log;
    detach(spawn(note_after(0s, log, "a turn")));

    co_await group_of(nothing());

    CHECK(log == "");
  });
}

TEST_CASE("TaskGroup: a task of the group may spawn others into it, also after the body's end") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body = [](std::string& out, TaskGroup& group) -> Task<void> {
      const auto child = [](std::string& own_out, TaskGroup& own_group) -> Task<void> {
        co_await sleep(1s);
        detach(own_group.spawn(note_after(1s, own_out, "grandchild")));
        own_out += "child ";
      };
      detach(group.spawn(child(out, group)));
      co_return;
    };

    co_await task_group(body, std::ref(log));

    CHECK(log == "child grandchild ");
  });
}

TEST_CASE("TaskGroup: spawn() returns a handle like any other") {
  run_async([]() -> Task<void> {
    const auto body = [](TaskGroup& group) -> Task<int> {
      const auto give = [](int value) -> Task<int> {
        co_await sleep(1s);
        co_return value;
      };
      const TaskHandle<int> one = group.spawn(give(1), "one");
      const TaskHandle<int> two = group.spawn(give(2));
      CHECK(one.name() == "one");
      const int first = co_await one;
      const int second = co_await two;
      co_return first + second;
    };

    const int sum = co_await task_group(body);

    CHECK(sum == 3);
  });
}

TEST_CASE(
    "TaskGroup: the error of a task cancels the others and the body, and is thrown as it is") {
  run_async([]() -> Task<void> {
    std::string log;

    const std::string thrown = co_await thrown_by(
        group_of(clean_up(log, "body", 1s), clean_up(log, "sibling", 3s), fail_after(2s)));

    CHECK(thrown == kBoom);
    CHECK(log == "sibling cancelled body cancelled body clean sibling clean ");
    CHECK(now() == TimePoint(5s));
    CHECK(cancel_requests() == 0);
    co_await sleep(1s);  // No cancel is left.
  });
}

TEST_CASE("TaskGroup: the error of the body cancels the tasks") {
  run_async([]() -> Task<void> {
    std::string log;

    const std::string thrown =
        co_await thrown_by(group_of(fail_after(1s), clean_up(log, "child", 1s)));

    CHECK(thrown == kBoom);
    CHECK(log == "child cancelled child clean ");
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: a body that throws before its first suspension has its tasks unstarted") {
  run_async([]() -> Task<void> {
    Counts counts;
    bool started = false;
    const auto body = [](Counts& all, bool& flag, TaskGroup& group) -> Task<void> {
      const auto child = [](bool& own, Tracked) -> Task<void> {
        own = true;
        co_return;
      };
      detach(group.spawn(child(flag, Tracked(all))));
      throw std::runtime_error("boom");
      co_return;
    };
    const auto attempt = [](auto own, Counts& all, bool& flag) -> Task<void> {
      co_await task_group(own, std::ref(all), std::ref(flag));
    };

    const std::string thrown = co_await thrown_by(attempt(body, counts, started));

    CHECK(thrown == kBoom);
    CHECK_FALSE(started);
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE("TaskGroup: several errors are all in an ErrorGroup, in the order they happened") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<std::string> errors;
    std::string what;
    const TaskHandle<void> start = spawn(sleep_for(1s));
    Task<void> group =
        group_of(clean_up(log, "body", 1s, Then::kError), clean_up(log, "slow", 2s, Then::kError),
                 fail_after(start, "first"), fail_after(start, "second"));

    try {
      co_await std::move(group);
    } catch (const ErrorGroup& caught) {
      const ErrorGroup copy = caught;
      what = copy.what();
      for (const std::exception_ptr& error : copy.errors()) errors.push_back(repr(error));
    }

    CHECK(errors ==
          std::vector<std::string>{"std::runtime_error('first')", "std::runtime_error('second')",
                                   "std::runtime_error('body')", "std::runtime_error('slow')"});
    CHECK(what ==
          "4 errors: std::runtime_error('first'), std::runtime_error('second'), "
          "std::runtime_error('body'), std::runtime_error('slow')");
  });
}

TEST_CASE("TaskGroup: a single error passes nested groups as it is") {
  run_async([]() -> Task<void> {
    const std::string thrown = co_await thrown_by(
        group_of(group_of(group_of(nothing(), fail_after(1s)), sleep_for(1h)), sleep_for(1h)));

    CHECK(thrown == kBoom);
    CHECK(now() == TimePoint(1s));
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: errors of its tasks need no report") {
  std::string told;
  LoopOptions options;
  options.on_unhandled_error = [&](const TaskRef& task) { told += task.to_string(); };

  run_async(
      []() -> Task<void> {
        co_await thrown_by(group_of(sleep_for(1h), fail_after(1s), fail_after(1s)));
      },
      std::move(options));

  CHECK(told == "");
}

TEST_CASE("TaskGroup: a task that is cancelled alone is no error, the others go on") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body = [](std::string& out, TaskGroup& group) -> Task<void> {
      const TaskHandle<void> victim = group.spawn(clean_up(out, "victim", 1s));
      detach(group.spawn(note_after(5s, out, "sibling")));
      co_await yield_now();
      victim.cancel();
      co_await sleep(2s);
      out += "body ";
    };

    co_await task_group(body, std::ref(log));

    CHECK(log == "victim cancelled victim clean body sibling ");
  });
}

TEST_CASE("TaskGroup: a body that awaits the task that fails gets Cancelled, its group the error") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body = [](std::string& out, TaskGroup& group) -> Task<void> {
      const TaskHandle<void> failing = group.spawn(fail_after(1s));
      const auto await_it = [](TaskHandle<void> own) -> Task<void> { co_await own; };
      out += co_await thrown_by(await_it(failing));
      throw Cancelled();
    };
    const auto attempt = [](auto own, std::string& out) -> Task<void> {
      co_await task_group(own, std::ref(out));
    };

    const std::string thrown = co_await thrown_by(attempt(body, log));

    CHECK(log == "Cancelled");
    CHECK(thrown == kBoom);
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: a cancel cancels body and tasks, waits for them, and is Cancelled") {
  run_async([]() -> Task<void> {
    std::string log;
    const TaskHandle<void> task =
        spawn(group_of(clean_up(log, "body", 1s), clean_up(log, "child", 3s)));
    co_await turns(3);

    task.cancel();
    co_await wait_done(task);

    CHECK(task.status() == TaskStatus::kCancelled);
    // The children are told when the body has unwound.
    CHECK(log == "body cancelled body clean child cancelled child clean ");
    CHECK(now() == TimePoint(4s));
  });
}

TEST_CASE("TaskGroup: a cancel while it waits for its tasks cancels them, and is Cancelled") {
  run_async([]() -> Task<void> {
    std::string log;
    const TaskHandle<std::string> task =
        spawn(outcome_and_next(group_of(nothing(), clean_up(log, "child", 3s))));
    co_await turns(3);

    task.cancel();
    task.cancel();  // One that is not delivered yet stays one.
    const std::string outcome = co_await task;

    CHECK(outcome == "Cancelled, then nothing, then nothing");
    CHECK(log == "child cancelled child clean ");
    CHECK(now() == TimePoint(3s));
  });
}

TEST_CASE("TaskGroup: a cancel that is due when the body has ended reaches the tasks") {
  run_async([]() -> Task<void> {
    Counts counts;
    const auto body = [](Counts& all, TaskGroup& group) -> Task<void> {
      const auto child = [](Tracked) -> Task<void> { co_await sleep(1h); };
      detach(group.spawn(child(Tracked(all))));
      current_context->cancel();
      co_return;
    };
    const auto attempt = [](auto own, Counts& all) -> Task<void> {
      co_await task_group(own, std::ref(all));
    };

    const std::string outcome = co_await spawn(outcome_and_next(attempt(body, counts)));

    CHECK(outcome == "Cancelled, then nothing, then nothing");
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("TaskGroup: a cancel before it has begun runs nothing of it") {
  run_async([]() -> Task<void> {
    std::string log;
    const TaskHandle<void> task = spawn(group_of(nothing(), note_after(0s, log, "ran")));

    task.cancel();
    co_await wait_done(task);

    CHECK(task.status() == TaskStatus::kCancelled);
    CHECK(log == "");
  });
}

TEST_CASE("TaskGroup: errors win over a cancel from outside, which stays due (cpython 116720)") {
  run_async([]() -> Task<void> {
    for (const bool in_body : {true, false}) {
      std::string log;
      Task<void> body = in_body ? sleep_for(1h) : nothing();
      const TaskHandle<std::string> task = spawn(
          outcome_and_next(group_of(std::move(body), clean_up(log, "child", 1s, Then::kError))));
      co_await turns(3);

      task.cancel();
      const std::string outcome = co_await task;

      CHECK(outcome == "std::runtime_error('child'), then Cancelled, then nothing");
    }
  });
}

TEST_CASE(
    "TaskGroup: a body that replaces the cancel by an error keeps the count (cpython 95289)") {
  run_async([]() -> Task<void> {
    std::string log;
    const std::string outcome = co_await outcome_and_next(
        group_of(clean_up(log, "body", 0s, Then::kError), fail_after(1s)));

    CHECK(outcome ==
          "brigade::ErrorGroup('2 errors: std::runtime_error('boom'), "
          "std::runtime_error('body')'), then nothing, then nothing");
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: a body that swallows the cancel keeps the count (cpython 95289)") {
  run_async([]() -> Task<void> {
    std::string log;
    const std::string outcome = co_await outcome_and_next(
        group_of(clean_up(log, "body", 0s, Then::kReturn), fail_after(1s)));

    CHECK(outcome == kBoom + ", then nothing, then nothing");
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: nested, errors of the same turn end both groups (cpython 116720)") {
  run_async([]() -> Task<void> {
    for (const bool outer_first : {true, false}) {
      std::string log;
      const auto outer_body = [](std::string& out, bool first, TaskGroup& group) -> Task<void> {
        const TaskHandle<void> start = brigade::spawn(sleep_for(1s));
        if (first) detach(group.spawn(fail_after(start, "outer")));
        Task<void> inner = group_of(sleep_for(1h), fail_after(start, "inner"));
        if (!first) detach(group.spawn(fail_late(start, "outer")));
        out += co_await thrown_by(std::move(inner)) + "; ";  // As user code would catch it.
        co_await sleep(1h);                                  // The cancel of the outer one comes.
        out += "hung";
      };
      const auto attempt = [](auto own, std::string& out, bool first) -> Task<void> {
        co_await task_group(own, std::ref(out), first);
      };

      const std::string outcome = co_await outcome_and_next(attempt(outer_body, log, outer_first));

      CHECK(log == "std::runtime_error('inner'); ");
      CHECK(outcome == "std::runtime_error('outer'), then nothing, then nothing");
      CHECK(now() < TimePoint(1h));
      CHECK(cancel_requests() == 0);
    }
  });
}

TEST_CASE("TaskGroup: a timeout around it wins over its own cancel() (cpython 155433)") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body = [](std::string& out, TaskGroup& group) -> Task<void> {
      detach(group.spawn(clean_up(out, "child", 2s)));
      co_await sleep(1s);
      group.cancel();
    };
    const auto attempt = [](auto own, std::string& out) -> Task<void> {
      co_await task_group(own, std::ref(out));
    };

    const std::string outcome = co_await outcome_and_next(within(2s, attempt(body, log)));

    CHECK(outcome == kTimedOut + ", then nothing, then nothing");
    CHECK(log == "child cancelled child clean ");
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE(
    "TaskGroup: a cancel that comes with its own cancel() is not swallowed (cpython 155433)") {
  run_async([]() -> Task<void> {
    for (const Then then : {Then::kCancelled, Then::kReturn}) {
      std::string log;
      const auto body = [](std::string& out, Then how, TaskGroup& group) -> Task<void> {
        group.cancel();
        current_context->cancel();
        co_await clean_up(out, "body", 0s, how);
      };
      const auto attempt = [](auto own, std::string& out, Then how) -> Task<void> {
        co_await task_group(own, std::ref(out), how);
      };

      const std::string outcome = co_await spawn(outcome_and_next(attempt(body, log, then)));

      CHECK(log == "body cancelled body clean ");
      CHECK(outcome == "Cancelled, then nothing, then nothing");
    }
  });
}

TEST_CASE("TaskGroup: a timeout works after an error of a group within (cpython 133747)") {
  run_async([]() -> Task<void> {
    const auto delayed = []() -> Task<void> {
      const std::string thrown = co_await thrown_by(group_of(nothing(), fail_after(0s)));
      CHECK(thrown == kBoom);
      co_await sleep(1h);
    };

    const std::string outcome = co_await outcome_and_next(within(1s, delayed()));

    CHECK(outcome == kTimedOut + ", then nothing, then nothing");
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("TaskGroup: within a timeout, whichever comes first ends both") {
  run_async([]() -> Task<void> {
    const TimePoint start = now();
    const std::string late_error =
        co_await outcome_and_next(within(1s, group_of(sleep_for(1h), fail_after(2s))));
    CHECK(late_error == kTimedOut + ", then nothing, then nothing");
    CHECK(now() == start + 1s);

    const std::string early_error =
        co_await outcome_and_next(within(2s, group_of(sleep_for(1h), fail_after(1s))));
    CHECK(early_error == kBoom + ", then nothing, then nothing");
    CHECK(now() == start + 2s);
  });
}

TEST_CASE("TaskGroup: at the instant of an outer deadline, errors win") {
  run_async([]() -> Task<void> {
    // The deadline is armed first, so it fires first: then the task fails while it is cancelled.
    std::string log;
    const std::string outcome = co_await outcome_and_next(
        within(1s, group_of(sleep_for(1h), clean_up(log, "child", 0s, Then::kError))));

    CHECK(outcome == "std::runtime_error('child'), then nothing, then nothing");
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: a timeout in a task or in the body is an error like others") {
  run_async([]() -> Task<void> {
    std::string log;
    const std::string of_task =
        co_await outcome_and_next(group_of(clean_up(log, "body", 0s), within(1s, sleep_for(1h))));
    const std::string of_body =
        co_await outcome_and_next(group_of(within(1s, sleep_for(1h)), clean_up(log, "child", 0s)));

    CHECK(of_task == kTimedOut + ", then nothing, then nothing");
    CHECK(of_body == kTimedOut + ", then nothing, then nothing");
    CHECK(log == "body cancelled body clean child cancelled child clean ");
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: its cancel ends a timeout in the body, which is no TimeoutError") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body_part = [](std::string& out) -> Task<void> {
      out += co_await thrown_by(within(2s, sleep_for(1h)));
      throw Cancelled();
    };

    const std::string outcome = co_await outcome_and_next(group_of(body_part(log), fail_after(1s)));

    CHECK(outcome == kBoom + ", then nothing, then nothing");
    CHECK(log == "Cancelled");
  });
}

TEST_CASE("TaskGroup: cancel() ends it silently, from the body, a task or outside, also twice") {
  run_async([]() -> Task<void> {
    const auto cancel_after = [](Nanoseconds duration, TaskGroup& group) -> Task<void> {
      co_await sleep(duration);
      group.cancel();
      group.cancel();
      co_await sleep(1h);  // It is one of those that are cancelled.
    };
    const auto from_task = [](auto stop, std::string& out, TaskGroup& group) -> Task<void> {
      detach(group.spawn(stop(1s, group)));
      co_await clean_up(out, "body", 1s);
    };
    const auto from_body = [](auto stop, std::string& out, TaskGroup& group) -> Task<void> {
      detach(group.spawn(clean_up(out, "child", 1s)));
      co_await stop(1s, group);
    };
    std::string log;

    co_await task_group(from_task, cancel_after, std::ref(log));
    CHECK(now() == TimePoint(2s));
    co_await task_group(from_body, cancel_after, std::ref(log));
    CHECK(now() == TimePoint(4s));

    CHECK(log == "body cancelled body clean child cancelled child clean ");
    CHECK(cancel_requests() == 0);
    co_await sleep(1s);  // No cancel is left.
  });
}

TEST_CASE("TaskGroup: cancel() leaves a cancel that was due when the group began") {
  run_async([]() -> Task<void> {
    const auto body = [](TaskGroup& group) -> Task<void> {
      group.cancel();
      co_return;
    };
    const auto attempt = [](auto own) -> Task<void> {
      current_context->cancel();
      co_await task_group(own);
    };

    const std::string outcome = co_await spawn(outcome_and_next(attempt(body)));

    CHECK(outcome == "nothing, then Cancelled, then nothing");
  });
}

TEST_CASE("TaskGroup: after cancel() a body returns its value, or is Cancelled without one") {
  run_async([]() -> Task<void> {
    const auto body = [](bool suspends, TaskGroup& group) -> Task<int> {
      group.cancel();
      if (suspends) co_await sleep(1s);
      co_return 7;
    };
    const auto without = [](auto own) -> Task<void> { co_await task_group(own, true); };

    const int value = co_await task_group(body, false);
    const std::string outcome = co_await outcome_and_next(without(body));

    CHECK(value == 7);
    CHECK(outcome == "Cancelled, then nothing, then nothing");
  });
}

TEST_CASE("TaskGroup: after cancel(), errors of the clean-up are thrown") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto body = [](std::string& out, TaskGroup& group) -> Task<void> {
      detach(group.spawn(clean_up(out, "child", 1s, Then::kError)));
      co_await yield_now();
      group.cancel();
    };
    const auto attempt = [](auto own, std::string& out) -> Task<void> {
      co_await task_group(own, std::ref(out));
    };

    const std::string thrown = co_await thrown_by(attempt(body, log));

    CHECK(thrown == "std::runtime_error('child')");
  });
}

// Tries to spawn into a group; "spawned" if that was possible.
Task<std::string> try_to_spawn(TaskGroup& group, Counts& counts) {
  const auto child = [](Tracked) -> Task<void> { co_return; };
  const auto attempt = [](auto own, TaskGroup& all, Counts& tracked) -> Task<void> {
    detach(all.spawn(own(Tracked(tracked))));
    co_return;
  };
  const std::string thrown = co_await thrown_by(attempt(child, group, counts));
  co_return thrown == "nothing" ? "spawned" : thrown;
}

TEST_CASE("TaskGroup: spawn() into one that is being cancelled destroys the task unstarted") {
  run_async([]() -> Task<void> {
    Counts counts;
    std::string log;
    const auto body = [](Counts& all, std::string& out, TaskGroup& group) -> Task<void> {
      out += co_await try_to_spawn(group, all) + "; ";
      group.cancel();
      out += co_await try_to_spawn(group, all) + "; ";  // It is due, and comes here.
      out += co_await try_to_spawn(group, all);         // It has been swallowed.
      co_await yield_now();
    };

    co_await task_group(body, std::ref(counts), std::ref(log));

    CHECK(log ==
          "spawned; Cancelled; "
          "std::logic_error('spawn() into a group that is being cancelled')");
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
    CHECK(cancel_requests() == 0);
  });
}

TEST_CASE("TaskGroup: a task that still has something to spawn at the group's end is no error") {
  run_async([]() -> Task<void> {
    const auto accept = [](TaskHandle<void> start, TaskGroup& group) -> Task<void> {
      co_await start;  // Wakes in the turn in which its sibling fails.
      detach(group.spawn(sleep_for(1h)));
    };
    const auto body = [](auto own, TaskGroup& group) -> Task<void> {
      const TaskHandle<void> start = brigade::spawn(sleep_for(1s));
      detach(group.spawn(fail_after(start)));
      detach(group.spawn(own(start, group)));
      co_await sleep(1h);
    };
    const auto attempt = [](auto own, auto child) -> Task<void> {
      co_await task_group(own, child);
    };

    const std::string thrown = co_await thrown_by(attempt(body, accept));

    CHECK(thrown == kBoom);
  });
}

TEST_CASE("TaskGroup: a task that swallows the cancel is waited for") {
  run_async([]() -> Task<void> {
    std::string log;

    const std::string thrown = co_await thrown_by(
        group_of(sleep_for(1h), clean_up(log, "child", 5s, Then::kReturn), fail_after(1s)));

    CHECK(thrown == kBoom);
    CHECK(log == "child cancelled child clean ");
    CHECK(now() == TimePoint(6s));
  });
}

TEST_CASE("TaskGroup: closing the loop ends body and tasks") {
  Counts counts;
  {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    const auto hold = [](Tracked) -> Task<void> { co_await sleep(1h); };
    detach(loop.spawn(group_of(hold(Tracked(counts)), hold(Tracked(counts)))));
    loop.run_until_complete(turns(3));
    CHECK(counts.alive() > 0);
    close_and_check(loop);
  }

  CHECK(counts.alive() == 0);
}

TEST_CASE("TaskGroup: the task tree shows its tasks below the one that waits for them") {
  run_async([]() -> Task<void> {
    const auto body = [](TaskGroup& group) -> Task<void> {
      detach(group.spawn(sleep_for(5s), "child"));
      co_return;
    };
    const auto wait = [](auto own) -> Task<void> { co_await task_group(own); };
    const TaskHandle<void> parent = spawn(wait(body), "parent");
    co_await sleep(2s);

    const std::string tree = Loop::current().task_tree();

    const std::size_t above =
        tree.find("'parent' waits for the tasks of its group, 2 s, spawned at task_group_test.cc:");
    const std::size_t below =
        tree.find("\n  'child' waits for a time, 2 s, spawned at task_group_test.cc:");
    CHECK(above != std::string::npos);
    CHECK(below != std::string::npos);
    CHECK(above < below);
    co_await parent;
  });
}

// The forms that a body may have; each owns memory, so that a double destruction shows.
struct Owner {
  Task<std::size_t> length(TaskGroup& group) {
    const auto measure = [](Owner& self, std::size_t& out) -> Task<void> {
      co_await yield_now();
      out = self.text.size();
    };
    co_await group.spawn(measure(*this, result));
    co_return result;
  }

  std::string text = std::string(100, 'x');
  std::size_t result = 0;
};

Task<std::size_t> length_of(std::string text, TaskGroup& group) {
  const TaskHandle<void> nap = group.spawn(sleep_for(1s));
  co_await nap;
  co_return text.size();
}

TEST_CASE("TaskGroup: the body may be a function, a member function, or a lambda with arguments") {
  run_async([]() -> Task<void> {
    Owner owner;
    const auto lambda = [](const std::string& text, TaskGroup& group) -> Task<std::size_t> {
      co_await group.spawn(sleep_for(1s));
      co_return text.size();
    };

    const std::size_t function = co_await task_group(&length_of, std::string(100, 'x'));
    const std::size_t member = co_await task_group(&Owner::length, &owner);
    const std::size_t by_value = co_await task_group(lambda, std::string(100, 'x'));
    const std::size_t by_reference = co_await task_group(lambda, std::cref(owner.text));

    CHECK(function == 100);
    CHECK(member == 100);
    CHECK(by_value == 100);
    CHECK(by_reference == 100);
  });
}

TEST_CASE("TaskGroup: keeps a callable, with what it has captured, until all has ended") {
  run_async([]() -> Task<void> {
    std::optional<Task<std::size_t>> task;
    {
      const std::string text(100, 'x');
      const auto body = [text](TaskGroup& group) { return length_of(text, group); };
      task = task_group(body);
    }

    const std::size_t length = co_await std::move(*task);

    CHECK(length == 100);
  });
}

// A group in a task of a group in a task of a group ...
Task<void> nest_groups(int depth);
Task<void> nest_body(int depth, TaskGroup& group) {
  group.spawn(nest_groups(depth - 1));
  co_return;
}
Task<void> nest_groups(int depth) {
  if (depth == 0)
    co_await sleep(1h);
  else
    co_await task_group(&nest_body, depth);
}

TEST_CASE("TaskGroup: cancelling groups ten thousand deep needs no stack [T-12]") {
  run_on_small_stack([] {
    run_async([]() -> Task<void> {
      const TaskHandle<void> outermost = spawn(nest_groups(10'000));
      co_await sleep(1s);

      outermost.cancel();
      co_await wait_done(outermost);

      CHECK(outermost.status() == TaskStatus::kCancelled);
      CHECK(Loop::current().tasks().size() == 1);
    });
  });
}

TEST_CASE("TaskGroup: ten thousand tasks fail at once, and all errors are reachable") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> start = spawn(sleep_for(1s));
    Children children;
    for (int i = 0; i < 10'000; ++i) children.push_back(fail_after(start));
    Task<void> body = sleep_for(1h);
    std::size_t count = 0;
    Task<void> group = task_group(&spawn_all, std::ref(children), std::ref(body));

    try {
      co_await std::move(group);
    } catch (const ErrorGroup& errors) {
      count = errors.errors().size();
    }

    CHECK(count == 10'000);
  });
}

}  // namespace
}  // namespace brigade
