#include "brigade/runtime/to_thread.h"

#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

/// A call that blocks its thread until it is let go. Shared, as it may outlive the test.
struct Held {
  std::binary_semaphore begun{0};
  std::binary_semaphore go{0};
  std::binary_semaphore ended{0};

  void run() {
    begun.release();
    go.acquire();
    ended.release();
  }
};
using SharedHeld = std::shared_ptr<Held>;

int hold(const SharedHeld& held) {
  held->run();
  return 7;
}

// A pool of one thread, which the tests share.
ThreadPool& one_thread() {
  static ThreadPool& pool = *new ThreadPool(1);
  return pool;
}

Task<void> append_on(ThreadPool& pool, std::string& log, char letter) {
  co_await call_on(pool, [&log, letter] { log += letter; });
}

TEST_CASE("to_thread: returns what the function returns on another thread") {
  run_async([]() -> Task<void> {
    const std::thread::id here = std::this_thread::get_id();

    const std::thread::id there = co_await to_thread([] { return std::this_thread::get_id(); });

    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);
  });
}

TEST_CASE("to_thread: gives the function its arguments, and hands over what can only be moved") {
  run_async([]() -> Task<void> {
    const auto join = [](const std::string& a, std::unique_ptr<std::string> b) {
      return std::make_unique<std::string>(a + *b);
    };
    auto second = std::make_unique<std::string>(" and what comes behind it");

    const std::unique_ptr<std::string> joined =
        co_await to_thread(join, std::string("a text with memory of its own"), std::move(second));

    CHECK(*joined == "a text with memory of its own and what comes behind it");
  });
}

TEST_CASE("to_thread: throws what the function throws") {
  run_async([]() -> Task<void> {
    const auto fail = [] { throw std::runtime_error("no such disk"); };

    const std::string thrown = co_await thrown_by(to_thread(fail));

    CHECK(thrown == "std::runtime_error('no such disk')");
  });
}

TEST_CASE("to_thread: the function and what it holds are gone before the outcome is delivered") {
  run_async([]() -> Task<void> {
    const auto token = std::make_shared<int>(5);
    auto read = [token = token] { return *token; };
    auto fail = [token = token](const std::shared_ptr<int>&) { throw *token; };

    const int value = co_await to_thread(std::move(read));
    CHECK(value == 5);
    CHECK(token.use_count() == 2);  // With what `fail` holds.
    try {
      co_await to_thread(std::move(fail), token);
    } catch (int) {
    }

    CHECK(token.use_count() == 1);
  });
}

TEST_CASE("to_thread: other tasks run meanwhile, and the virtual clock stands still") {
  run_async([]() -> Task<void> {
    const auto held = std::make_shared<Held>();
    const auto nap = []() -> Task<void> { co_await sleep(1h); };
    const TaskHandle<int> calling = spawn(to_thread(&hold, held));
    const TaskHandle<void> napping = spawn(nap());
    co_await turns(10);
    held->begun.acquire();

    CHECK_FALSE(calling.done());
    held->go.release();
    const int value = co_await calling;

    CHECK(value == 7);
    CHECK(Loop::current().now() == TimePoint{});
    CHECK_FALSE(napping.done());
    co_await napping;
    CHECK(Loop::current().now() == TimePoint(1h));
  });
}

TEST_CASE("to_thread: calls run beside each other") {
  run_async([]() -> Task<void> {
    const auto first = std::make_shared<Held>();
    const auto second = std::make_shared<Held>();
    const auto meet = [](const SharedHeld& mine, const SharedHeld& other) {
      mine->begun.release();
      other->begun.acquire();  // Never, if they ran one behind the other.
    };

    co_await gather(to_thread(meet, first, second), to_thread(meet, second, first));
  });
}

TEST_CASE("to_thread: calls beyond the bound wait their turn, first come first served") {
  run_async([]() -> Task<void> {
    ThreadPool& pool = one_thread();
    const auto held = std::make_shared<Held>();
    const TaskHandle<int> holding = spawn(call_on(pool, &hold, held));
    std::string log;  // Touched by that one thread, until all have ended.
    std::vector<TaskHandle<void>> queued;
    for (const char letter : {'a', 'b', 'c'}) queued.push_back(spawn(append_on(pool, log, letter)));
    co_await yield_now();
    held->begun.acquire();

    held->go.release();
    for (const TaskHandle<void>& one : queued) co_await one;
    co_await holding;

    CHECK(log == "abc");
  });
}

TEST_CASE("to_thread: a cancel ends the wait at once; the call goes on with what it holds") {
  run_async([]() -> Task<void> {
    const auto held = std::make_shared<Held>();
    const auto token = std::make_shared<int>(1);
    auto function = [held, token = token] { return hold(held) + *token; };
    const TaskHandle<int> calling = spawn(to_thread(std::move(function)));
    co_await yield_now();
    held->begun.acquire();

    calling.cancel();
    co_await wait_done(calling);

    CHECK(calling.status() == TaskStatus::kCancelled);
    CHECK(token.use_count() == 2);
    held->go.release();
    held->ended.acquire();
  });
}

TEST_CASE("to_thread: a cancelled call that has not begun never runs") {
  run_async([]() -> Task<void> {
    ThreadPool& pool = one_thread();
    const auto held = std::make_shared<Held>();
    const TaskHandle<int> holding = spawn(call_on(pool, &hold, held));
    std::string log;
    const TaskHandle<void> dropped = spawn(append_on(pool, log, 'x'));
    const TaskHandle<void> kept = spawn(append_on(pool, log, 'y'));
    co_await yield_now();
    held->begun.acquire();

    dropped.cancel();
    co_await wait_done(dropped);
    CHECK_FALSE(holding.done());
    held->go.release();
    co_await kept;
    co_await holding;

    CHECK(dropped.status() == TaskStatus::kCancelled);
    CHECK(log == "y");
  });
}

TEST_CASE("to_thread: a task that is to be cancelled asks no thread") {
  run_async([]() -> Task<void> {
    const auto called = std::make_shared<bool>(false);
    const auto cancel_and_call = [](std::shared_ptr<bool> flag) -> Task<void> {
      current_task().cancel();
      co_await call_on(one_thread(), [](const std::shared_ptr<bool>& it) { *it = true; }, flag);
    };

    const TaskHandle<void> task = spawn(cancel_and_call(called));
    co_await wait_done(task);
    co_await call_on(one_thread(), [] {});  // Behind whatever was asked for.

    CHECK(task.status() == TaskStatus::kCancelled);
    CHECK_FALSE(*called);
  });
}

Task<void> pass_when_begun(Deadline& deadline, Held& held) {
  held.begun.acquire();
  deadline.reschedule(Loop::current().now());
  co_return;
}

TEST_CASE("to_thread: a deadline ends the wait") {
  run_async_real([]() -> Task<void> {
    const auto held = std::make_shared<Held>();
    Deadline deadline(TimePoint::max());
    const TaskHandle<void> passing = spawn(pass_when_begun(deadline, *held));
    std::string thrown = "nothing";
    try {
      co_await timeout(deadline, to_thread(&hold, held));
    } catch (const TimeoutError&) {
      thrown = "TimeoutError";
    }

    CHECK(thrown == "TimeoutError");
    held->go.release();
    held->ended.acquire();
    co_await passing;
  });
}

TEST_CASE("to_thread: closing the loop does not wait for a call that runs") {
  const auto held = std::make_shared<Held>();
  {
    Loop loop;
    detach(loop.spawn(to_thread(&hold, held)));
    loop.run_once();
    held->begun.acquire();

    close_and_check(loop);
  }
  held->go.release();  // Its outcome goes to a loop that is gone.
  held->ended.acquire();
}

TEST_CASE("to_thread: hundreds of tasks call, some are cancelled, and each gets what is its own") {
  run_async([]() -> Task<void> {
    constexpr int kCalls = 500;
    const auto square = [](int n) { return n * n; };
    std::vector<TaskHandle<int>> calls;
    for (int i = 0; i < kCalls; ++i) calls.push_back(spawn(to_thread(square, i)));
    co_await yield_now();
    for (int i = 0; i < kCalls; i += 3) calls[static_cast<std::size_t>(i)].cancel();

    int wrong = 0;
    for (int i = 0; i < kCalls; ++i) {
      const TaskHandle<int>& call = calls[static_cast<std::size_t>(i)];
      co_await wait_done(call);
      const bool cancelled = call.status() == TaskStatus::kCancelled;
      if (cancelled ? i % 3 != 0 : call.result() != i * i) ++wrong;
    }

    CHECK(wrong == 0);
  });
}

}  // namespace
}  // namespace brigade
