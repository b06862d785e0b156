// Counts every operator new of this program: waiting for a primitive must not allocate.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/barrier.h"
#include "brigade/sync/condition.h"
#include "brigade/sync/event.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/priority_queue.h"
#include "brigade/sync/queue.h"
#include "brigade/sync/semaphore.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/failing_allocator.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr int kTasks = 4;
constexpr int kRounds = 1000;

struct Kitchen {
  Lock lock;
  Semaphore semaphore{3};
  Event event;
  Condition condition;
  Barrier barrier{kTasks};
  Queue<int> queue{1};
  PriorityQueue<int> jobs{1};
  int had_to_wait = 0;
  int got = 0;
};

// Waits for each primitive; what one task waits for, another brings about.
Task<void> use_all(Kitchen& kitchen, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    {
      const Semaphore::Permit two = co_await kitchen.semaphore.acquire(2);
      co_await yield_now();
      if (kitchen.semaphore.waiting() > 0) ++kitchen.had_to_wait;
    }
    {
      Lock::Guard guard = co_await kitchen.lock.acquire();
      if (kitchen.condition.waiting() == kTasks - 1)
        kitchen.condition.notify_all();
      else
        co_await kitchen.condition.wait(guard);
    }
    const std::size_t index = co_await kitchen.barrier.wait();
    if (index == 0) {
      while (kitchen.event.waiting() < kTasks - 1) co_await yield_now();
      kitchen.event.set();
      kitchen.event.clear();
    } else {
      co_await kitchen.event.wait();
    }
    if (index % 2 == 0) {
      co_await kitchen.queue.put(i);
      co_await kitchen.jobs.put(i);
    } else {
      const std::optional<int> item = co_await kitchen.queue.get();
      const std::optional<int> job = co_await kitchen.jobs.get();
      if (item && job) ++kitchen.got;
    }
  }
}

Task<void> use_all_together(Kitchen& kitchen, int rounds) {
  std::vector<TaskHandle<void>> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(spawn(use_all(kitchen, rounds)));
  for (const auto& task : tasks) co_await task;
}

TEST_CASE("Allocation: this program counts what is allocated") {
  const std::size_t before = allocations();

  const Lock lock(std::string(100, 'x'));

  CHECK(allocations() > before);
}

TEST_CASE("Allocation: no primitive allocates to let a task wait") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    co_await use_all_together(kitchen, 1);

    const std::size_t before_one = allocations();
    co_await use_all_together(kitchen, 1);
    const std::size_t of_one = allocations() - before_one;
    kitchen.had_to_wait = kitchen.got = 0;
    const std::size_t before = allocations();
    co_await use_all_together(kitchen, kRounds);
    const std::size_t of_many = allocations() - before;

    CHECK(kitchen.had_to_wait > kRounds);
    CHECK(kitchen.got == kRounds * kTasks / 2);
    CHECK(of_many == of_one);  // Those of the tasks and the vector, not of the rounds.
  });
}

}  // namespace
}  // namespace brigade
