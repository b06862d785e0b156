#include "brigade/runtime/run_in_loop.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

/// A loop that runs on a thread of its own while this lives, or until it is closed.
class OtherLoop {
 public:
  OtherLoop() : loop_(started_.get_future().get()) {}
  ~OtherLoop() { close(); }

  /// Stops the loop, closes it and ends its thread.
  void close() {
    if (!thread_.joinable()) return;
    loop_->post([] { Loop::current().stop(); });
    thread_.join();
  }

  Loop& operator*() const noexcept { return *loop_; }

 private:
  void serve() {
    Loop loop(loop_options());
    {
      const Loop::ExternalWork expected(loop);
      started_.set_value(&loop);
      loop.run_forever();
    }
    close_and_check(loop);
  }

  std::promise<Loop*> started_;
  std::thread thread_{[this] { serve(); }};
  Loop* const loop_;
};

/// How far a task over there has come.
struct Progress {
  std::binary_semaphore begun{0};
  std::string log;
};

Task<int> add(int a, int b) {
  co_await yield_now();
  co_return a + b;
}

Task<void> stay(Progress& progress) {
  progress.begun.release();
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    progress.log += "cancelled";
    throw;
  }
}

Task<void> clean_up_slowly(Progress& progress) {
  bool cancelled = false;
  try {
    co_await stay(progress);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  co_await turns(10);
  progress.log += ", cleaned up";
  if (cancelled) throw Cancelled();
}

Task<int> swallow(Progress& progress) {
  try {
    co_await stay(progress);
  } catch (const Cancelled&) {
  }
  co_return 5;
}

TEST_CASE("run_in_loop: returns the value of a task that ran on the thread of the other loop") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    const auto thread_id = []() -> Task<std::thread::id> {
      co_await yield_now();
      co_return std::this_thread::get_id();
    };

    const std::thread::id there = co_await run_in_loop(*other, thread_id);
    const int sum = co_await run_in_loop(*other, &add, 20, 3);

    CHECK(there != std::this_thread::get_id());
    CHECK(sum == 23);
  });
}

TEST_CASE("run_in_loop: throws what the task throws, or the function that was to make it") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    const auto fail = []() -> Task<void> {
      co_await yield_now();
      throw std::runtime_error("no fries");
    };
    const auto fail_at_once = []() -> Task<void> {
      throw std::runtime_error("no kitchen");
      co_return;
    };
    const auto make_none = [](int error) -> Task<int> {
      if (error != 0) throw error;
      return add(error, 0);
    };

    const std::string late = co_await thrown_by(run_in_loop(*other, fail));
    const std::string at_once = co_await thrown_by(run_in_loop(*other, fail_at_once));
    CHECK(late == "std::runtime_error('no fries')");
    CHECK(at_once == "std::runtime_error('no kitchen')");
    bool caught = false;
    try {
      co_await run_in_loop(*other, make_none, 1);
    } catch (int) {
      caught = true;
    }
    CHECK(caught);
  });
}

TEST_CASE("run_in_loop: arguments and results that can only be moved cross, and nothing is kept") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    auto token = std::make_shared<int>(1);
    const auto wrap = [](std::shared_ptr<int> it) -> Task<std::unique_ptr<std::shared_ptr<int>>> {
      co_await yield_now();
      co_return std::make_unique<std::shared_ptr<int>>(std::move(it));
    };

    std::unique_ptr<std::shared_ptr<int>> wrapped = co_await run_in_loop(*other, wrap, token);

    CHECK(*wrapped == token);
    wrapped.reset();
    CHECK(token.use_count() == 1);
  });
}

TEST_CASE("run_in_loop: a cancel cancels the task over there and waits for its clean-up") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    Progress progress;
    const auto clean_up = [&progress] { return clean_up_slowly(progress); };
    const TaskHandle<void> asking = spawn(run_in_loop(*other, clean_up));
    co_await yield_now();
    progress.begun.acquire();

    asking.cancel();
    co_await wait_done(asking);

    CHECK(asking.status() == TaskStatus::kCancelled);
    CHECK(progress.log == "cancelled, cleaned up");
  });
}

TEST_CASE("run_in_loop: what the task returns in spite of a cancel is delivered") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    Progress progress;
    std::string log;
    const auto ask = [](Loop& loop, Progress& shared, std::string& seen) -> Task<void> {
      const auto function = [&shared] { return swallow(shared); };
      const int value = co_await run_in_loop(loop, function);
      seen += std::to_string(value);
      co_await yield_now();  // The cancel is due here.
      seen += " and on";
    };
    const TaskHandle<void> asking = spawn(ask(*other, progress, log));
    co_await yield_now();
    progress.begun.acquire();

    asking.cancel();
    co_await wait_done(asking);

    CHECK(log == "5");
    CHECK(asking.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("run_in_loop: a task that is cancelled before it asks never calls the function") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    std::atomic<bool> called = false;
    const auto ask = [](Loop& loop, std::atomic<bool>& flag) -> Task<void> {
      current_task().cancel();
      const auto function = [&flag] {
        flag = true;
        return turns(0);
      };
      co_await run_in_loop(loop, function);
    };

    const TaskHandle<void> asking = spawn(ask(*other, called));
    co_await wait_done(asking);
    co_await run_in_loop(*other, &turns, 1);  // Behind what was posted.

    CHECK(asking.status() == TaskStatus::kCancelled);
    CHECK_FALSE(called.load());
  });
}

TEST_CASE("run_in_loop: a deadline covers the task over there") {
  run_async_real([]() -> Task<void> {
    const OtherLoop other;
    Progress progress;
    const auto function = [&progress] { return stay(progress); };
    bool late = false;
    try {
      co_await timeout(1ms, run_in_loop(*other, function));
    } catch (const TimeoutError&) {
      late = true;
    }

    CHECK(late);
    CHECK((progress.log == "cancelled" || progress.log == ""));  // Or it had not begun.
  });
}

TEST_CASE("run_in_loop: the other loop closes while its task runs: Cancelled") {
  run_async([]() -> Task<void> {
    OtherLoop other;
    Progress progress;
    const auto function = [&progress] { return stay(progress); };
    const TaskHandle<void> asking = spawn(run_in_loop(*other, function));
    co_await yield_now();
    progress.begun.acquire();

    other.close();
    co_await wait_done(asking);

    CHECK(asking.status() == TaskStatus::kCancelled);
    CHECK(progress.log == "cancelled");
  });
}

TEST_CASE("run_in_loop: a loop that closes before the task has begun is an error") {
  run_async([]() -> Task<void> {
    Loop idle;  // Nobody runs it.
    const TaskHandle<std::string> early = spawn(thrown_by(run_in_loop(idle, &turns, 1)));
    co_await yield_now();

    idle.close();
    const std::string late = co_await thrown_by(run_in_loop(idle, &turns, 1));
    const std::string& first = co_await early;

    CHECK(first == "std::logic_error('run_in_loop() for a loop that has closed')");
    CHECK(late == first);
  });
}

TEST_CASE("run_in_loop: the caller's loop closes first: the task over there is cancelled") {
  const OtherLoop other;
  Progress progress;
  const auto function = [&progress] { return clean_up_slowly(progress); };
  Loop loop;
  detach(loop.spawn(run_in_loop(*other, function)));
  loop.run_once();
  progress.begun.acquire();

  close_and_check(loop);

  CHECK(progress.log == "cancelled, cleaned up");
}

TEST_CASE("run_in_loop: a task that is cancelled over there is Cancelled here") {
  run_async([]() -> Task<void> {
    const OtherLoop other;
    const auto give_up = []() -> Task<void> {
      current_task().cancel();
      co_await yield_now();
    };

    const std::string thrown = co_await thrown_by(run_in_loop(*other, give_up));

    CHECK(thrown == "Cancelled");
  });
}

TEST_CASE("run_in_loop: refuses the loop it is called in") {
  run_async([]() -> Task<void> {
    const std::string thrown = co_await thrown_by(run_in_loop(Loop::current(), &turns, 1));

    CHECK(thrown ==
          "std::logic_error('run_in_loop() for the loop it is called in: spawn() does that')");
  });
}

TEST_CASE("run_in_loop: a thread without a loop blocks on it by run()") {
  const OtherLoop other;

  CHECK(run(run_in_loop(*other, &add, 1, 2)) == 3);
}

Task<void> ask_often(Loop& loop, int& answers) {
  for (int i = 0; i < 20; ++i) {
    const int sum = co_await run_in_loop(loop, &add, i, 1);
    if (sum == i + 1) ++answers;
  }
}

TEST_CASE("run_in_loop: many tasks of two loops ask a third one, and some are cancelled") {
  constexpr int kTasks = 20;
  const OtherLoop other;
  const auto ask_all = [&other] {
    Loop loop;
    std::vector<int> answers(kTasks, 0);
    std::vector<TaskHandle<void>> tasks;
    for (int& own : answers) tasks.push_back(loop.spawn(ask_often(*other, own)));
    for (int turn = 0; turn < 20; ++turn) loop.run_once();
    for (std::size_t i = 0; i < tasks.size(); i += 4) tasks[i].cancel();
    loop.run_until_idle();
    int complete = 0;
    for (const int own : answers) complete += own == 20 ? 1 : 0;
    CHECK(complete >= kTasks * 3 / 4);
    tasks.clear();
    close_and_check(loop);
  };

  std::thread second(ask_all);
  ask_all();
  second.join();
}

}  // namespace
}  // namespace brigade
