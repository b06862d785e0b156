// Calls on other threads and in other loops, and signals, while memory runs out.
#include <csignal>
#include <future>
#include <string>
#include <thread>

#include "brigade/runtime/run_in_loop.h"
#include "brigade/runtime/signal.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/to_thread.h"
#include "brigade/tests/failures/every_allocation.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using Plan = FailNth::Plan;

LoopOptions on_virtual_clock() {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  return options;
}

std::string twice(const std::string& text) { return text + text; }

Task<void> call_thread(Plan plan) {
  const FailNth guard(plan);
  const std::string text = co_await to_thread(&twice, std::string(50, 'x'));
  expect(text.size() == 100, "the function returns its value");
}

Task<void> cancel_call(Plan plan) {
  const FailNth guard(plan);
  const TaskHandle<std::string> calling = spawn(to_thread(&twice, std::string(50, 'x')));
  co_await yield_now();
  calling.cancel();
  co_await wait_done(calling);
}

TEST_CASE("Out of memory: to_thread(), on either thread [T-27]") {
  // On the real clock, for its back end is set up: a loop that cannot sleep cannot wait.
  fail_every_allocation(&call_thread, LoopOptions());
  fail_every_allocation(&cancel_call, LoopOptions());
}

/// A loop that runs on a thread of its own; set up before anything fails.
class OtherLoop {
 public:
  OtherLoop() : loop_(*started_.get_future().get()) {}
  ~OtherLoop() {
    loop_.post([] { Loop::current().stop(); });
    thread_.join();
  }
  Loop& operator*() const noexcept { return loop_; }

 private:
  void serve() {
    Loop loop;
    set_up_io(loop);
    const Loop::ExternalWork expected(loop);
    started_.set_value(&loop);
    loop.run_forever();
  }

  std::promise<Loop*> started_;
  std::thread thread_{[this] { serve(); }};
  Loop& loop_;
};

Task<std::string> twice_later(std::string text) {
  co_await yield_now();
  co_return text + text;
}

Task<void> ask_other_loop(Plan plan) {
  const OtherLoop other;
  const FailNth guard(plan);
  const std::string text = co_await run_in_loop(*other, &twice_later, std::string(50, 'x'));
  expect(text.size() == 100, "the task returns its value");
}

TEST_CASE("Out of memory: run_in_loop(), on either thread [T-27]") {
  fail_every_allocation(&ask_other_loop, LoopOptions());
}

Task<void> await_signal(Plan plan) {
  const FailNth guard(plan);
  Signals signals({SIGUSR1, SIGUSR2});
  ::raise(SIGUSR2);
  const int number = co_await signals.wait();
  expect(number == SIGUSR2, "the signal is returned");
}

TEST_CASE("Out of memory: Signals [T-27]") {
  fail_every_allocation(&await_signal, on_virtual_clock());
}

}  // namespace
}  // namespace brigade
