// Which task runs next, for how long, and what is told of it.
#include "brigade/runtime/scheduler.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/runtime/wait.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kBudget = 64;  // Awaits that complete at once, per step.

Task<void> set(bool& flag) {
  flag = true;
  co_return;
}

Task<int> ready(int value) { co_return value; }

Task<void> count_ready(const bool& stop, int& count) {
  while (!stop) count += co_await ready(1);
}

Task<void> count_joins(TaskHandle<int> ended, const bool& stop, int& count) {
  while (!stop) count += co_await ended;
}

Task<void> count_waits(std::vector<TaskRef> ended, const bool& stop, int& count) {
  while (!stop) {
    co_await WaitSet(ended, WaitSet::Until::kAll, std::nullopt);
    ++count;
  }
}

TEST_CASE("Task: one that awaits only what is ready lets the others run [T-21]") {
  run_async([]() -> Task<void> {
    bool stop = false;
    int count = 0;
    detach(spawn(set(stop)));

    co_await count_ready(stop, count);

    CHECK(count <= kBudget);
  });
}

TEST_CASE("Task: one that joins only what has ended lets the others run [T-21]") {
  run_async([]() -> Task<void> {
    const TaskHandle<int> ended = spawn(ready(1));
    co_await wait_done(ended);
    std::vector<TaskRef> all;
    all.push_back(ended);
    for (int way = 0; way < 2; ++way) {
      bool stop = false;
      int count = 0;
      detach(spawn(set(stop)));

      if (way == 0)
        co_await count_joins(ended, stop, count);
      else
        co_await count_waits(all, stop, count);

      CHECK(count > 0);
      CHECK(count <= kBudget);
    }
  });
}

TEST_CASE("Task: one that awaits only what is ready meets its deadline [T-21]") {
  run_async_real([]() -> Task<void> {
    const bool never = false;
    int count = 0;

    const std::string thrown =
        co_await thrown_by([]([[maybe_unused]] const bool& stop, int& counter) -> Task<void> {
          co_await timeout(1ms, count_ready(stop, counter));
        }(never, count));

    CHECK(thrown.find("TimeoutError") != std::string::npos);
    CHECK(count > kBudget);
  });
}

Task<void> refused(Tracked, bool& ran) {
  ran = true;
  co_return;
}

Task<void> use_up_the_budget_then(Counts& counts, bool& ran) {
  for (int i = 0; i < kBudget - 2; ++i) co_await ready(1);  // And the two that led here.
  current_task().cancel();
  co_await refused(Tracked(counts), ran);
}

TEST_CASE("Task: a cancel at the end of the budget refuses the callee, whose parameters die") {
  run_async([]() -> Task<void> {
    Counts counts;
    bool ran = false;

    const std::string thrown = co_await thrown_by(use_up_the_budget_then(counts, ran));

    CHECK(thrown == "Cancelled");
    CHECK_FALSE(ran);
    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

Task<std::string> recurse(int depth) {
  if (depth == 0) co_return "leaf";
  std::string below = co_await recurse(depth - 1);
  co_return below + ".";
}

TEST_CASE("Task: values and errors pass the end of the budget") {
  run_async([]() -> Task<void> {
    const std::string dots = co_await recurse(3 * kBudget);
    CHECK(dots == "leaf" + std::string(std::size_t{3 * kBudget}, '.'));

    const auto fail = [](int i) -> Task<int> {
      if (i % 3 == 0) throw std::runtime_error("third");
      co_return i;
    };
    int caught = 0;
    for (int i = 0; i < 3 * kBudget; ++i) {
      try {
        const int value = co_await fail(i);
        CHECK(value == i);
      } catch (const std::runtime_error&) {
        ++caught;
      }
    }
    CHECK(caught == kBudget);
  });
}

// Which task runs next.

Task<void> log_twice(std::string& log, char letter) {
  log += letter;
  co_await yield_now();
  log += letter;
}

Task<void> log_three(std::string& log) {
  const TaskHandle<void> a = spawn(log_twice(log, 'a'));
  const TaskHandle<void> b = spawn(log_twice(log, 'b'));
  const TaskHandle<void> c = spawn(log_twice(log, 'c'));
  co_await wait_done(a);
  co_await wait_done(b);
  co_await wait_done(c);
}

std::string order_with(std::function<std::size_t(std::size_t)> pick) {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  options.pick_ready = std::move(pick);
  std::string log;
  run(log_three(log), std::move(options));
  return log;
}

TEST_CASE("LoopOptions: pick_ready picks among the tasks that can run") {
  CHECK(order_with([](std::size_t) { return std::size_t{0}; }) == "abcabc");
  CHECK(order_with([](std::size_t ready) { return ready - 1; }) == "ccbbaa");
  CHECK(order_with({}) == "abcabc");

  std::vector<std::size_t> counts;
  order_with([&counts](std::size_t ready) {
    counts.push_back(ready);
    return ready / 2;
  });
  CHECK(counts.size() > 6);
  CHECK(counts[1] == 3);
}

TEST_CASE("Loop: run_once() runs each ready task once, whatever the order") {
  for (const std::size_t place : {0U, 1U, 2U}) {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    options.pick_ready = [place](std::size_t ready) { return std::min(place, ready - 1); };
    Loop loop(std::move(options));
    std::string log;
    for (const char letter : {'a', 'b', 'c'}) detach(loop.spawn(log_twice(log, letter)));

    loop.run_once();

    CHECK(log.size() == 3);
    loop.run_until_idle();
    CHECK(log.size() == 6);
  }
}

TEST_CASE("LoopOptions: a pick_ready that picks what is not there is a broken check") {
  check_dies([] { order_with([](std::size_t ready) { return ready; }); },
             "pick_ready picked a task that is not there");
}

// Tasks that hold the loop.

Task<void> hold(Nanoseconds duration) {
  const TimePoint end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
  }
  co_return;
}

Task<void> hold_in_a_task(Nanoseconds duration) { co_await spawn(hold(duration), "greedy"); }

TEST_CASE("LoopOptions: a task that holds the loop for longer than the limit is told") {
  LoopOptions options;
  options.stall_limit = 2ms;
  std::vector<std::string> stalled;
  options.on_stall = [&stalled](const TaskRef& task, Nanoseconds held) {
    CHECK(held > 2ms);
    stalled.push_back(task.name());
  };

  run(hold_in_a_task(3ms), std::move(options));

  CHECK(std::count(stalled.begin(), stalled.end(), "greedy") == 1);
}

TEST_CASE("LoopOptions: nobody is told where no limit is set, or none is reached") {
  for (const Nanoseconds limit : {Nanoseconds::zero(), Nanoseconds(1h)}) {
    LoopOptions options;
    options.stall_limit = limit;
    int told = 0;
    options.on_stall = [&told](const TaskRef&, Nanoseconds) { ++told; };

    run(hold_in_a_task(1ms), std::move(options));

    CHECK(told == 0);
  }
}

TEST_CASE("LoopOptions: by default a stall is told on stderr, with name and place") {
  const ChildEnd end = run_in_child([] {
    LoopOptions options;
    options.stall_limit = 1ms;
    run(hold_in_a_task(2ms), std::move(options));
  });

  CHECK(end.exit_code == 0);
  CHECK(end.errors.find("brigade: 'greedy', spawned at scheduler_test.cc:") != std::string::npos);
  CHECK(end.errors.find("held the loop for 0.00") != std::string::npos);
}

}  // namespace
}  // namespace brigade
