// Which task runs next, for how long, and what is told of it.
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

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
  const std::string told = "held the loop for ";
  const std::size_t at = end.errors.find(told);
  REQUIRE(at != std::string::npos);
  CHECK(std::stod(end.errors.substr(at + told.size())) >= 0.002);
}

}  // namespace
}  // namespace brigade
