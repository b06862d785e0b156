#include "brigade/runtime/shield.h"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> note_after(Nanoseconds duration, std::string& log) {
  co_await sleep(duration);
  log += "done";
}

TEST_CASE("shield: returns the value of the task, or throws what it threw") {
  run_async([]() -> Task<void> {
    const auto give = []() -> Task<std::unique_ptr<int>> {
      co_await sleep(1s);
      co_return std::make_unique<int>(7);
    };
    const auto fail = []() -> Task<void> {
      co_await sleep(1s);
      throw std::runtime_error("boom");
    };

    const std::unique_ptr<int> value = co_await shield(give());
    const std::string thrown = co_await thrown_by(shield(fail()));

    CHECK(*value == 7);
    CHECK(thrown == "std::runtime_error('boom')");
  });
}

TEST_CASE("shield: a cancel of the caller leaves the task running [T-15]") {
  run_async([]() -> Task<void> {
    std::string log;
    const TaskHandle<void> caller = spawn(shield(note_after(2s, log)));
    co_await sleep(1s);

    caller.cancel();
    co_await wait_done(caller);
    CHECK(caller.status() == TaskStatus::kCancelled);
    CHECK(log == "");

    co_await sleep(5s);
    CHECK(log == "done");
  });
}

TEST_CASE("shield: a timeout ends the wait, and leaves the task running") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto attempt = [](std::string& out) -> Task<void> {
      co_await timeout(1s, shield(note_after(2s, out)));
    };

    const std::string thrown = co_await thrown_by(attempt(log));
    CHECK(thrown == "brigade::TimeoutError('deadline passed')");
    CHECK(log == "");

    co_await sleep(5s);
    CHECK(log == "done");
  });
}

TEST_CASE("shield: a task that is cancelled is Cancelled for its caller") {
  run_async([]() -> Task<void> {
    const auto cancel_self = []() -> Task<void> {
      current_context->cancel();
      co_await yield_now();
    };

    const std::string thrown = co_await thrown_by(shield(cancel_self()));

    CHECK(thrown == "Cancelled");
    CHECK(current_context->cancel_requests() == 0);
  });
}

TEST_CASE("shield: an error that nobody awaits any more is reported") {
  std::string told;
  LoopOptions options;
  options.on_unhandled_error = [&](const TaskRef& task) { told += task.to_string(); };

  run_async(
      []() -> Task<void> {
        const auto fail = []() -> Task<void> {
          co_await sleep(2s);
          throw std::runtime_error("boom");
        };
        const auto attempt = [](auto body) -> Task<void> { co_await timeout(1s, shield(body())); };
        co_await thrown_by(attempt(fail));
        co_await sleep(5s);
      },
      std::move(options));

  CHECK(told.find("[ERROR] (std::runtime_error('boom'))>") != std::string::npos);
}

TEST_CASE("shield: closing the loop cancels the task all the same") {
  Counts counts;
  {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    const auto hold = [](Tracked) -> Task<void> { co_await sleep(1h); };
    detach(loop.spawn(shield(hold(Tracked(counts)))));
    loop.run_until_complete(turns(3));
    CHECK(counts.alive() > 0);
    close_and_check(loop);
  }

  CHECK(counts.alive() == 0);
}

}  // namespace
}  // namespace brigade
