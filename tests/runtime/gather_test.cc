#include "brigade/runtime/gather.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/small_stack.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

TimePoint now() { return Loop::current().now(); }

Task<int> give_after(Nanoseconds duration, int value) {
  co_await sleep(duration);
  co_return value;
}

Task<std::unique_ptr<int>> box_after(Nanoseconds duration, int value) {
  co_await sleep(duration);
  co_return std::make_unique<int>(value);
}

Task<void> note_after(Nanoseconds duration, std::string& log, char letter) {
  co_await sleep(duration);
  log += letter;
}

Task<void> fail_after(Nanoseconds duration, std::string message) {
  co_await sleep(duration);
  throw std::runtime_error(message);
}

// Notes a cancel, and takes its time to clean up.
Task<void> clean_up_after_cancel(std::string& log, char letter, Nanoseconds duration) {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  if (!cancelled) co_return;
  co_await sleep(duration);
  log += letter;
  throw Cancelled();
}

Task<void> cancelled_within() {
  const TaskHandle<int> inner = spawn(give_after(1h, 1));
  co_await yield_now();
  inner.cancel();
  co_await inner;
}

TEST_CASE("gather: returns the results in the order of the arguments, whichever ends first") {
  run_async([]() -> Task<void> {
    std::string log;

    auto [first, second, third, none] = co_await gather(
        give_after(3s, 1), box_after(1s, 2), give_after(2s, 3), note_after(1s, log, 'n'));

    CHECK(first == 1);
    CHECK(*second == 2);
    CHECK(third == 3);
    CHECK(none == std::monostate());
    CHECK(log == "n");
    CHECK(now() == TimePoint(3s));
  });
}

TEST_CASE("gather: takes a vector of tasks and returns a vector") {
  run_async([]() -> Task<void> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(give_after(std::chrono::seconds(10 - i), i));

    const std::vector<int> results = co_await gather(std::move(tasks));

    CHECK(results == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(now() == TimePoint(10s));
  });
}

TEST_CASE("gather: of nothing is complete") {
  run_async([]() -> Task<void> {
    const std::tuple<> none = co_await gather();
    const std::vector<int> empty = co_await gather(std::vector<Task<int>>());

    CHECK(none == std::tuple<>());
    CHECK(empty.empty());
  });
}

Task<void> gather_all(std::vector<Task<void>> tasks) { co_await gather(std::move(tasks)); }

TEST_CASE("gather: throws the first error at once, and the siblings go on") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<Task<void>> tasks;
    tasks.push_back(note_after(3s, log, 'a'));
    tasks.push_back(fail_after(2s, "late"));
    tasks.push_back(fail_after(1s, "early"));

    const std::string thrown = co_await thrown_by(gather_all(std::move(tasks)));

    CHECK(thrown == "std::runtime_error('early')");
    CHECK(now() == TimePoint(1s));
    CHECK(log == "");
    co_await sleep(5s);
    CHECK(log == "a");
  });
}

TEST_CASE("gather: of errors in the same turn throws the first in the order of the arguments") {
  run_async([]() -> Task<void> {
    std::vector<Task<void>> tasks;
    tasks.push_back(fail_after(1s, "first"));
    tasks.push_back(fail_after(1s, "second"));

    const std::string thrown = co_await thrown_by(gather_all(std::move(tasks)));

    CHECK(thrown == "std::runtime_error('first')");
  });
}

TEST_CASE("gather: errors of the siblings need no report") {
  std::string told;
  LoopOptions options;
  options.on_unhandled_error = [&](const TaskRef& task) { told += task.to_string(); };

  run_async(
      []() -> Task<void> {
        std::vector<Task<void>> tasks;
        tasks.push_back(fail_after(1s, "early"));
        tasks.push_back(fail_after(2s, "late"));
        co_await thrown_by(gather_all(std::move(tasks)));
        co_await sleep(5s);
      },
      std::move(options));

  CHECK(told == "");
}

TEST_CASE("gather: a cancelled child counts as an error") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<Task<void>> tasks;
    tasks.push_back(note_after(1s, log, 'a'));
    tasks.push_back(cancelled_within());

    const std::string thrown = co_await thrown_by(gather_all(std::move(tasks)));

    CHECK(thrown == "Cancelled");
    CHECK(now() == TimePoint{});
    co_await sleep(2s);
    CHECK(log == "a");
  });
}

TEST_CASE("gather: a cancel cancels all tasks, and waits until they have cleaned up") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<Task<void>> tasks;
    tasks.push_back(clean_up_after_cancel(log, 'a', 1s));
    tasks.push_back(clean_up_after_cancel(log, 'b', 3s));
    tasks.push_back(clean_up_after_cancel(log, 'c', 2s));
    const TaskHandle<void> gatherer = spawn(gather_all(std::move(tasks)));
    co_await turns(3);

    gatherer.cancel();
    co_await wait_done(gatherer);

    CHECK(log == "acb");
    CHECK(gatherer.status() == TaskStatus::kCancelled);
    CHECK(now() == TimePoint(3s));
    CHECK(Loop::current().ledger().tasks == 1);
  });
}

TEST_CASE("gather: a cancel wins over errors of tasks while they are cancelled") {
  std::string told;
  LoopOptions options;
  options.on_unhandled_error = [&](const TaskRef& task) { told += task.to_string(); };

  run_async(
      []() -> Task<void> {
        const auto spoil = []() -> Task<void> {
          try {
            co_await sleep(1h);
          } catch (const Cancelled&) {
            throw std::runtime_error("while cleaning up");
          }
        };
        std::vector<Task<void>> tasks;
        tasks.push_back(spoil());
        const TaskHandle<void> gatherer = spawn(gather_all(std::move(tasks)));
        co_await turns(3);

        gatherer.cancel();
        co_await wait_done(gatherer);

        CHECK(gatherer.status() == TaskStatus::kCancelled);
      },
      std::move(options));

  CHECK(told == "");
}

TEST_CASE("gather: a cancel before it has begun destroys the tasks unstarted") {
  run_async([]() -> Task<void> {
    Counts counts;
    bool started = false;
    const auto work = [](bool& flag, Tracked) -> Task<void> {
      flag = true;
      co_return;
    };
    std::vector<Task<void>> tasks;
    tasks.push_back(work(started, Tracked(counts)));
    tasks.push_back(work(started, Tracked(counts)));
    const TaskHandle<void> gatherer = spawn(gather_all(std::move(tasks)));

    gatherer.cancel();
    co_await wait_done(gatherer);

    CHECK_FALSE(started);
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE("gather: a cancel that comes when all have ended does not lose the results") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](std::string& out) -> Task<void> {
      const auto [a, b] = co_await gather(give_after(1s, 1), give_after(1s, 2));
      out += std::to_string(a + b);
      co_await yield_now();
      out += " went on";
    };
    const auto cancel_at = [](Nanoseconds when, TaskRef task) -> Task<void> {
      co_await sleep(when);
      task.cancel();  // The gatherer has been woken, and has not run.
    };
    const TaskHandle<void> gatherer = spawn(work(log));
    co_await turns(3);
    detach(spawn(cancel_at(1s, gatherer)));

    co_await wait_done(gatherer);

    CHECK(log == "3");
    CHECK(gatherer.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("gather: a second cancel while it waits for its tasks does not make it leave them") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<Task<void>> tasks;
    tasks.push_back(clean_up_after_cancel(log, 'a', 3s));
    const TaskHandle<void> gatherer = spawn(gather_all(std::move(tasks)));
    co_await turns(3);

    gatherer.cancel();
    co_await sleep(1s);
    gatherer.cancel();
    co_await wait_done(gatherer);

    CHECK(gatherer.status() == TaskStatus::kCancelled);
    CHECK(log == "a");
    CHECK(now() == TimePoint(3s));
  });
}

TEST_CASE(
    "gather: a cancel that is due when it begins runs none of its tasks, and waits for them") {
  run_async([]() -> Task<void> {
    Counts counts;
    bool started = false;
    const auto work = [](bool& flag, Tracked) -> Task<void> {
      flag = true;
      co_return;
    };
    const auto attempt = [](auto body, bool& flag, Counts& all) -> Task<void> {
      current_context->cancel();
      co_await gather(body(flag, Tracked(all)), body(flag, Tracked(all)));
    };
    const auto gone = [](auto own, auto body, bool& flag, Counts& all) -> Task<std::string> {
      const std::string thrown = co_await thrown_by(own(body, flag, all));
      co_return thrown + ", " + std::to_string(all.alive()) + " left";
    };

    const std::string outcome = co_await spawn(gone(attempt, work, started, counts));

    CHECK(outcome == "Cancelled, 0 left");
    CHECK_FALSE(started);
    CHECK(counts.constructed > 0);
  });
}

TEST_CASE("gather: within a timeout its tasks are cancelled and waited for [T-15]") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<Task<void>> tasks;
    tasks.push_back(clean_up_after_cancel(log, 'a', 2s));
    tasks.push_back(clean_up_after_cancel(log, 'b', 1s));
    const auto attempt = [](std::vector<Task<void>> all) -> Task<void> {
      co_await timeout(1s, gather_all(std::move(all)));
    };

    const std::string thrown = co_await thrown_by(attempt(std::move(tasks)));

    CHECK(thrown == "brigade::TimeoutError('deadline passed')");
    CHECK(log == "ba");
    CHECK(now() == TimePoint(3s));
  });
}

Task<void> nest_gathers(int depth) {
  if (depth == 0)
    co_await sleep(1h);
  else
    co_await gather(nest_gathers(depth - 1));
}

TEST_CASE("gather: cancelling gathers twenty thousand deep needs no stack [T-12]") {
  run_on_small_stack([] {
    run_async([]() -> Task<void> {
      const TaskHandle<void> outermost = spawn(nest_gathers(20'000));
      co_await sleep(1s);

      outermost.cancel();
      co_await wait_done(outermost);

      CHECK(outermost.status() == TaskStatus::kCancelled);
      CHECK(Loop::current().tasks().size() == 1);
    });
  });
}

TEST_CASE("gather: of ten thousand tasks the last one fails, the others go on [T-17]") {
  run_async([]() -> Task<void> {
    std::string log;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 10'000; ++i) tasks.push_back(note_after(2s, log, 'a'));
    tasks.push_back(fail_after(1s, "last"));

    const std::string thrown = co_await thrown_by(gather_all(std::move(tasks)));

    CHECK(thrown == "std::runtime_error('last')");
    co_await sleep(2s);
    CHECK(log.size() == 10'000);
  });
}

TEST_CASE("gather: an end and a deadline at the same instant: one result, or TimeoutError [T-20]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto attempt = [](Nanoseconds limit, std::string& out) -> Task<void> {
      const auto both = [](std::string& own) -> Task<void> {
        const auto [a, b] = co_await gather(give_after(1s, 1), give_after(1s, 2));
        own += std::to_string(a + b);
      };
      co_await timeout(limit, both(out));
    };

    const std::string at = co_await thrown_by(attempt(1s, log));
    CHECK(at == "brigade::TimeoutError('deadline passed')");
    CHECK(log == "");

    const std::string behind = co_await thrown_by(attempt(1s + 1ns, log));
    CHECK(behind == "nothing");
    CHECK(log == "3");
  });
}

}  // namespace
}  // namespace brigade
