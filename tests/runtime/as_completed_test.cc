#include "brigade/runtime/as_completed.h"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

using Handles = std::vector<TaskHandle<int>>;

const std::string kTimedOut = "brigade::TimeoutError('deadline passed')";

TimePoint now() { return Loop::current().now(); }

Task<int> give_after(Nanoseconds duration, int value) {
  co_await sleep(duration);
  if (value < 0) throw std::runtime_error("boom");
  co_return value;
}

// One task per number, which ends after so many seconds.
Handles after_seconds(const std::vector<int>& seconds) {
  Handles handles;
  for (const int n : seconds)
    handles.push_back(spawn(give_after(std::chrono::seconds(n), n), std::to_string(n)));
  return handles;
}

// The names that it gives out, and how it ends.
template <class Handle>
Task<std::string> names(AsCompleted<Handle>& all) {
  std::string text;
  try {
    while (!all.empty()) {
      const Handle done = co_await all.next();
      CHECK(done.done());
      text += done.name() + " ";
    }
  } catch (const TimeoutError&) {
    text += "TimeoutError";
  } catch (const Cancelled&) {
    text += "Cancelled";
  }
  co_return text;
}

TEST_CASE("as_completed: gives the handles out in the order in which the tasks end") {
  run_async([]() -> Task<void> {
    auto all = as_completed(after_seconds({3, 1, 2}));
    std::vector<int> values;
    std::vector<TimePoint> times;

    while (!all.empty()) {
      const TaskHandle<int> done = co_await all.next();
      values.push_back(done.result());
      times.push_back(now());
    }

    CHECK(values == std::vector<int>{1, 2, 3});
    CHECK(times == std::vector<TimePoint>{TimePoint(1s), TimePoint(2s), TimePoint(3s)});
  });
}

TEST_CASE("as_completed: of no tasks is empty") {
  run_async([]() -> Task<void> {
    const auto all = as_completed(Handles());

    CHECK(all.empty());
    co_return;
  });
}

TEST_CASE("as_completed: tasks that have ended come first, in the order given, without a turn") {
  run_async([]() -> Task<void> {
    Handles handles = after_seconds({3, 2, 1});
    co_await sleep(10s);
    handles.push_back(spawn(give_after(0s, 0), "0"));

    auto all = as_completed(handles);
    const std::string given = co_await names(all);

    CHECK(given == "3 2 1 0 ");
    CHECK(now() == TimePoint(10s));
  });
}

TEST_CASE("as_completed: what ends while nobody asks is given out later, in order") {
  run_async([]() -> Task<void> {
    auto all = as_completed(after_seconds({3, 1, 2, 20}));
    co_await sleep(10s);

    const std::string given = co_await names(all);

    CHECK(given == "1 2 3 20 ");
    CHECK(now() == TimePoint(20s));
  });
}

TEST_CASE("as_completed: failed and cancelled tasks are given out like others") {
  run_async([]() -> Task<void> {
    Handles handles = after_seconds({3, -1, 2});
    handles[2].cancel();
    auto all = as_completed(handles);
    std::string statuses;

    while (!all.empty()) {
      const TaskHandle<int> done = co_await all.next();
      statuses += done.name() + " " + to_string(done.status()) + " ";
      CHECK_FALSE((done.status() == TaskStatus::kError && done.error() == nullptr));
    }

    CHECK(statuses == "2 CANCELLED -1 ERROR 3 FINISHED ");
  });
}

TEST_CASE("as_completed: takes TaskRefs of tasks of different results") {
  run_async([]() -> Task<void> {
    std::vector<TaskRef> tasks;
    tasks.push_back(spawn(give_after(2s, 2), "int"));
    tasks.push_back(spawn(turns(1), "void"));

    auto all = as_completed(std::move(tasks));
    const std::string given = co_await names(all);

    CHECK(given == "void int ");
  });
}

TEST_CASE("as_completed: a handle given twice comes twice") {
  run_async([]() -> Task<void> {
    Handles handles = after_seconds({1, 2});
    handles.push_back(handles[0]);

    auto all = as_completed(handles);
    const std::string given = co_await names(all);

    CHECK(given == "1 1 2 ");
  });
}

TEST_CASE("as_completed: a limit ends it by TimeoutError, and the tasks go on") {
  run_async([]() -> Task<void> {
    const Handles handles = after_seconds({1, 4, 2});
    auto all = as_completed(handles, 3s);

    const std::string given = co_await names(all);
    CHECK(given == "1 2 TimeoutError");
    CHECK(now() == TimePoint(3s));

    co_await handles[1];
    const std::string again = co_await names(all);
    CHECK(again == "TimeoutError");
    CHECK(now() == TimePoint(4s));
  });
}

TEST_CASE("as_completed: what ended before the limit is given out after it") {
  run_async([]() -> Task<void> {
    auto all = as_completed(after_seconds({1, 2, 4}), 3s);
    co_await sleep(10s);

    const std::string given = co_await names(all);

    CHECK(given == "1 2 TimeoutError");
  });
}

TEST_CASE("as_completed: an end and the limit at the same instant, the first one wins [T-20]") {
  run_async([]() -> Task<void> {
    Handles before = after_seconds({1});
    co_await yield_now();
    auto limited = as_completed(before, 1s);
    const std::string given = co_await names(limited);
    CHECK(given == "TimeoutError");  // The task is woken first, and ends in the next turn.

    const TaskHandle<int> ends = spawn(give_after(1s, 1), "1");
    co_await yield_now();
    auto joined = as_completed(Handles(1, ends), 1s + 1ns);
    const std::string in_time = co_await names(joined);
    CHECK(in_time == "1 ");
  });
}

TEST_CASE("as_completed: a limit of zero gives out what has ended") {
  run_async([]() -> Task<void> {
    Handles handles = after_seconds({1, 2});
    co_await handles[0];

    for (const Nanoseconds limit : {Nanoseconds(0), Nanoseconds(-1h)}) {
      auto all = as_completed(handles, limit);
      const std::string given = co_await names(all);
      CHECK(given == "1 TimeoutError");
    }
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("as_completed: a limit that is not reached leaves no timer behind") {
  run_async([]() -> Task<void> {
    {
      auto all = as_completed(after_seconds({1}), 5s);
      co_await names(all);
    }
    co_await sleep(10s);

    CHECK(now() == TimePoint(11s));
  });
}

TEST_CASE("as_completed: a cancelled next() takes no handle, and the tasks go on [T-19]") {
  run_async([]() -> Task<void> {
    auto all = as_completed(after_seconds({1, 2}));
    const auto ask = [](auto& own) -> Task<void> { co_await own.next(); };
    for (int i = 0; i < 100; ++i) {
      const TaskHandle<void> asking = spawn(ask(all));
      co_await yield_now();
      asking.cancel();
      co_await wait_done(asking);
      CHECK(asking.status() == TaskStatus::kCancelled);
    }

    const std::string given = co_await names(all);

    CHECK(given == "1 2 ");
  });
}

TEST_CASE("as_completed: a cancel that comes when a task has ended loses no handle [T-19]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto ask = [](auto& own, std::string& out) -> Task<void> {
      const TaskHandle<int> done = co_await own.next();
      out += done.name();
      co_await yield_now();
      out += " went on";
    };
    const Handles handles = after_seconds({1});
    auto all = as_completed(handles);
    const TaskHandle<void> asking = spawn(ask(all, log));
    co_await yield_now();

    co_await handles[0];  // Joins behind: both are woken by the end, the other one first.
    asking.cancel();
    co_await wait_done(asking);

    CHECK(log == "1");
    CHECK(asking.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("as_completed: a timeout around next() leaves the rest to be asked for") {
  run_async([]() -> Task<void> {
    auto all = as_completed(after_seconds({2}));
    const auto ask = [](auto& own) -> Task<void> { co_await own.next(); };
    const auto attempt = [](auto asking, auto& own) -> Task<void> {
      co_await timeout(1s, asking(own));
    };

    const std::string thrown = co_await thrown_by(attempt(ask, all));
    const std::string given = co_await names(all);

    CHECK(thrown == kTimedOut);
    CHECK(given == "2 ");
  });
}

TEST_CASE("as_completed: one that is dropped early leaves the tasks alone [T-19]") {
  run_async([]() -> Task<void> {
    const Handles handles = after_seconds({1, 2, 3});
    {
      auto all = as_completed(handles, 5s);
      co_await all.next();
    }

    co_await handles[2];

    CHECK(handles[2].result() == 3);
  });
}

TEST_CASE("as_completed: oneself and tasks of another loop are errors [T-14]") {
  Loop other;
  const TaskHandle<int> foreign = other.spawn(give_after(1h, 1), "foreign");
  const auto attempt = [](TaskHandle<int> handle) -> Task<void> {
    const auto all = as_completed(Handles(1, handle));
    co_return;
  };
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  const auto attempt_self = []() -> Task<void> {
    const auto all = as_completed(std::vector<TaskRef>(1, current_task()), 1s);
    co_return;
  };

  const std::string thrown = loop.run_until_complete(thrown_by(attempt(foreign)));
  const std::string of_self = loop.run_until_complete(thrown_by(attempt_self()), "narcissus");

  CHECK(thrown == "std::logic_error('task 'foreign' belongs to another loop')");
  CHECK(of_self == "std::logic_error('task 'narcissus' awaits itself')");
}

TEST_CASE("as_completed: one that asks again and again lets the others run") {
  run_async([]() -> Task<void> {
    Handles handles;
    for (int i = 0; i < 1000; ++i) handles.push_back(spawn(give_after(0s, i)));
    co_await sleep(1s);
    bool ran = false;
    bool ran_meanwhile = false;
    const auto run_once = [](bool& flag) -> Task<void> {
      flag = true;
      co_return;
    };
    detach(spawn(run_once(ran)));
    auto all = as_completed(std::move(handles));

    while (!all.empty()) {
      co_await all.next();
      ran_meanwhile = ran_meanwhile || (ran && !all.empty());
    }

    CHECK(ran_meanwhile);
  });
}

Task<void> ask(AsCompleted<TaskHandle<int>>& all) { co_await all.next(); }

TEST_CASE("as_completed: to destroy it while a task asks is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          auto all =
              std::make_unique<AsCompleted<TaskHandle<int>>>(after_seconds({1}), std::nullopt);
          detach(spawn(ask(*all)));
          co_await yield_now();
          all.reset();
        });
      },
      "as_completed() was destroyed while a task awaits next()");
}

TEST_CASE("as_completed: to ask for more than there are is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          auto all = as_completed(Handles());
          co_await all.next();
        });
      },
      "next() when all tasks have been given out");
}

}  // namespace
}  // namespace brigade
