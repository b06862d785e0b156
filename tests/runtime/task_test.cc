#include "brigade/runtime/task.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/small_stack.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kMillion = kSanitized ? 100'000 : 1'000'000;

Task<int> one() { co_return 1; }

Task<std::unique_ptr<int>> boxed(int value) { co_return std::make_unique<int>(value); }

Task<void> fail() {
  throw std::runtime_error("boom");
  co_return;
}

Task<void> note(std::string& log, char letter) {
  log += letter;
  co_return;
}

Task<void> hold(Tracked) { co_return; }

Task<long> sum_of_ready(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await one();
  co_return sum;
}

Task<int> depth(int n) {
  if (n == 0) co_return 0;
  const int below = co_await depth(n - 1);
  co_return below + 1;
}

Task<int> depth_over_a_suspension(int n) {
  if (n == 0) {
    co_await yield_now();
    co_return 0;
  }
  const int below = co_await depth_over_a_suspension(n - 1);
  co_return below + 1;
}

Task<void> fail_below(int n) {
  if (n == 0) throw std::runtime_error("from the leaf");
  co_await fail_below(n - 1);
}

Task<void> doze() { co_await sleep(1ms); }

Task<void> sleep_below(int n, Tracked tracked) {
  if (n == 0)
    co_await sleep(1h);
  else
    co_await sleep_below(n - 1, tracked);
}

TEST_CASE("Task: the body runs when the task is awaited, not when it is called") {
  run_async([]() -> Task<void> {
    std::string log;

    Task<void> b = note(log, 'b');
    co_await note(log, 'a');
    co_await std::move(b);

    CHECK(log == "ab");
  });
}

TEST_CASE("Task: a result that can only be moved is returned") {
  run_async([]() -> Task<void> {
    const std::unique_ptr<int> value = co_await boxed(7);

    CHECK(*value == 7);
  });
}

TEST_CASE("Task: an exception reaches the coroutine that awaits") {
  run_async([]() -> Task<void> {
    const std::string thrown = co_await thrown_by(fail());

    CHECK(thrown == "std::runtime_error('boom')");
  });
}

TEST_CASE("Task: what a destructor throws after co_return takes the place of the result") {
  const auto late = []() -> Task<int> {
    struct Late {
      ~Late() noexcept(false) { throw std::runtime_error("late"); }
    } thrower;
    co_return 1;
  };

  CHECK_THROWS_WITH(run(late()), "late");
}

TEST_CASE("Task: one that never starts destroys its parameters once") {
  Counts counts;

  {
    const Task<void> dropped = hold(Tracked(counts));
  }

  CHECK(counts.constructed > 0);
  CHECK(counts.alive() == 0);
}

TEST_CASE("Task: one that ran destroys its parameters once") {
  run_async([]() -> Task<void> {
    Counts counts;

    co_await hold(Tracked(counts));

    CHECK(counts.constructed > 0);
    CHECK(counts.alive() == 0);
  });
}

TEST_CASE("Task: awaiting it twice is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Task<int> task = one();
          co_await std::move(task);
          co_await std::move(task);
        });
      },
      "a Task was awaited twice");
}

TEST_CASE("Task: awaiting one that was moved from is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Task<int> task = one();
          const Task<int> owner = std::move(task);
          co_await std::move(task);
        });
      },
      "a Task was awaited twice, or after it was moved from");
}

TEST_CASE("Task: a million awaits of ready tasks need no stack [T-10]") {
  long sum = 0;

  run_on_small_stack([&] { sum = run(sum_of_ready(kMillion)); });

  CHECK(sum == kMillion);
}

TEST_CASE("Task: a recursion a million deep needs no stack [T-10]") {
  int reached = 0;

  run_on_small_stack([&] { reached = run(depth(kMillion)); });

  CHECK(reached == kMillion);
}

TEST_CASE("Task: a recursion a million deep may suspend at its leaf [T-10]") {
  int reached = 0;

  run_on_small_stack([&] { reached = run(depth_over_a_suspension(kMillion)); });

  CHECK(reached == kMillion);
}

TEST_CASE("Task: an exception passes a million frames and arrives once [T-11]") {
  int caught = 0;

  run_on_small_stack([&] {
    try {
      run(fail_below(kMillion));
    } catch (const std::runtime_error& error) {
      caught += error.what() == std::string("from the leaf") ? 1 : 100;
    }
  });

  CHECK(caught == 1);
}

TEST_CASE("Task: closing the loop frees a chain a million deep that waits at its leaf [T-12]") {
  Counts counts;
  Ledger left{1, 1, 1, 1};
  std::size_t waiting_frames = 0;

  run_on_small_stack([&] {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    const TaskHandle<void> chain = loop.spawn(sleep_below(kMillion, Tracked(counts)));
    loop.run_until_complete(doze());  // Until all others wait.
    waiting_frames = loop.ledger().frames;
    loop.close();
    left = loop.ledger();
    left.frames -= 1;  // The context, which our handle keeps.
  });

  CHECK(waiting_frames > std::size_t{kMillion});
  CHECK(left == Ledger{});
  CHECK(counts.constructed > kMillion);
  CHECK(counts.alive() == 0);
}

}  // namespace
}  // namespace brigade
