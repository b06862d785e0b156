// No task, timer or descriptor keeps the others from their turn.
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/runtime/wait.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Loop: a task that is always ready starves neither timers nor I/O [T-21]") {
  run_async_real([]() -> Task<void> {
    bool slept = false;
    bool read = false;
    const auto set_after_sleep = [](bool& flag) -> Task<void> {
      co_await sleep(1ms);
      flag = true;
    };
    const auto set_after_read = [](int fd, bool& flag) -> Task<void> {
      co_await wait_readable(fd);
      flag = true;
    };
    const Pipe pipe;
    detach(spawn(set_after_sleep(slept)));
    const TaskHandle<void> reader = spawn(set_after_read(pipe.reader.get(), read));
    co_await turns(2);
    pipe.write_byte();

    while (!slept || !read) co_await yield_now();

    CHECK(reader.done());
  });
}

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
    co_await WaitSet(ended, WaitMode::kAll, std::nullopt);
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

Task<void> read_until(int fd, const bool& stop, int& count) {
  while (!stop) {
    co_await wait_readable(fd);
    ++count;
  }
}

TEST_CASE("Loop: descriptors that are always ready do not hold up a timer [C-06]") {
  run_async_real([]() -> Task<void> {
    constexpr std::size_t kReaders = 64;
    std::vector<Pipe> pipes(kReaders);
    std::vector<TaskHandle<void>> readers;
    bool stop = false;
    int count = 0;
    for (const Pipe& pipe : pipes) {
      pipe.write_byte();
      readers.push_back(spawn(read_until(pipe.reader.get(), stop, count)));
    }

    co_await sleep(1ms);  // Comes, although there is always something to read.

    stop = true;
    for (const TaskHandle<void>& reader : readers) co_await reader;
    CHECK(count > 0);
  });
}

Task<void> sleep_again(const bool& stop, int& count) {
  while (!stop) {
    co_await sleep(1ns);
    ++count;
  }
}

TEST_CASE("Loop: timers that are always due do not hold up a descriptor [C-06]") {
  run_async_real([]() -> Task<void> {
    constexpr int kSleepers = 64;
    const Pipe pipe;
    std::vector<TaskHandle<void>> sleepers;
    bool stop = false;
    int count = 0;
    for (int i = 0; i < kSleepers; ++i) sleepers.push_back(spawn(sleep_again(stop, count)));
    co_await turns(3);
    pipe.write_byte();

    co_await wait_readable(pipe.reader.get());

    stop = true;
    for (const TaskHandle<void>& sleeper : sleepers) co_await sleeper;
    CHECK(count > 0);
  });
}

}  // namespace
}  // namespace brigade
