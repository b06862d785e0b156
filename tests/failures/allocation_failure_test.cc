// Tasks, timers, locks and caches while memory runs out.
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/as_completed.h"
#include "brigade/runtime/async_generator.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/shield.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/task_group.h"
#include "brigade/runtime/timeout.h"
#include "brigade/runtime/wait.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/queue.h"
#include "brigade/sync/semaphore.h"
#include "brigade/tests/failures/every_allocation.h"
#include "brigade/tests/support/descriptors.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Plan = FailNth::Plan;

constexpr int kMany = 20;  // Enough for vectors and the timer heap to grow several times.
const std::string kLongName = "a name that needs memory of its own";

void fail_every(Scenario scenario, const std::vector<std::string>& documented = {}) {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  fail_every_allocation(scenario, options, documented);
}

Task<int> later(int value, std::chrono::milliseconds delay) {
  co_await sleep(delay);
  co_return value;
}

TEST_CASE("Out of memory: what is said of allocations is true") {
  const std::size_t before = outstanding_allocations();
  std::size_t during = 0;
  bool failed = false;
  bool failed_again = false;
  {
    const FailNth guard(2);
    const std::string first(100, 'x');
    during = outstanding_allocations();
    try {
      const std::string second(100, 'x');
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    try {
      const std::string third(100, 'x');
    } catch (const std::bad_alloc&) {
      failed_again = true;
    }
  }

  CHECK(during == before + 1);
  CHECK(failed);
  CHECK_FALSE(failed_again);
  CHECK(FailNth::failures() == 1);
  CHECK(outstanding_allocations() == before);
}

TEST_CASE("Out of memory: a try_put() that throws leaves its item as it is") {
  Queue<std::unique_ptr<int>> queue;
  auto item = std::make_unique<int>(7);
  bool failed = false;
  {
    const FailNth guard(1);
    try {
      queue.try_put(std::move(item));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
  }

  CHECK(failed);
  CHECK(item != nullptr);
  CHECK(queue.empty());
  CHECK(queue.try_put(std::move(item)));
}

void whole_program(Plan plan) {
  const FailNth guard(plan);
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  const int value = run(later(7, 1ms), options);
  expect(value == 7, "run() returns the value");
}

void first_io(Plan plan) {
  Loop other;
  set_up_io(other);
  const FailNth guard(plan);
  Loop loop;
  set_up_io(loop);
}

TEST_CASE("Out of memory: run(), the loop and its back end [T-27]") {
  const auto before = open_descriptors();
  fail_every_allocation(&whole_program);
  fail_every_allocation(&first_io);
  CHECK(open_descriptors() == before);
}

Task<void> hold(Tracked, int& started) {
  ++started;
  co_return;
}

Task<void> spawn_without_context(Plan plan) {
  Counts counts;
  int started = 0;
  Task<void> task = hold(Tracked(counts), started);
  bool thrown = false;
  std::string name = kLongName;
  {
    const FailNth guard(plan);
    try {
      const TaskRef handle = spawn(std::move(task), std::move(name));
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
  }
  expect(!thrown || counts.alive() == 0, "the parameters of a task that was not spawned are gone");
  co_await yield_now();
  co_await yield_now();
  expect(started == (thrown ? 0 : 1), "the task runs if it was spawned, and only then");
  expect(counts.alive() == 0, "every parameter is destroyed once");
  if (thrown) throw std::bad_alloc();
}

TEST_CASE("Out of memory: a task that cannot be spawned never starts, and leaks nothing [T-09]") {
  fail_every(&spawn_without_context);
}

Task<void> spawn_and_join(Plan plan) {
  const FailNth guard(plan);
  const TaskHandle<int> named = spawn(later(1, 1ms), kLongName);
  const TaskHandle<int> unnamed = spawn(later(2, 0ms));
  const int first = co_await named;
  const int second = co_await unnamed;
  expect(first + second == 3, "both tasks return their values");
}

TEST_CASE("Out of memory: spawn and join [T-27]") { fail_every(&spawn_and_join); }

Task<void> sleep_by_many(Plan plan) {
  const FailNth guard(plan);
  std::vector<TaskHandle<int>> sleepers;
  for (int i = 0; i < kMany; ++i)
    sleepers.push_back(spawn(later(i, std::chrono::milliseconds(kMany - i))));
  int sum = 0;
  for (const TaskHandle<int>& sleeper : sleepers) sum += co_await sleeper;
  expect(sum == kMany * (kMany - 1) / 2, "every sleeper wakes");
}

TEST_CASE("Out of memory: sleep, while the timer heap grows [T-27]") { fail_every(&sleep_by_many); }

Task<void> deadlines(Plan plan) {
  const FailNth guard(plan);
  const int value = co_await timeout(1s, later(7, 10ms));
  expect(value == 7, "a value within the deadline is returned");
  bool timed_out = false;
  try {
    co_await timeout(1ms, later(8, 10ms));
  } catch (const TimeoutError&) {
    timed_out = true;
  }
  expect(timed_out, "the deadline passes");
}

TEST_CASE("Out of memory: timeout() [T-27]") { fail_every(&deadlines); }

Task<void> wait_for_some(Plan plan) {
  const FailNth guard(plan);
  std::vector<TaskHandle<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(spawn(later(i, std::chrono::milliseconds(i * 10))));
  auto [done, pending] = co_await wait(tasks, WaitMode::kFirstCompleted, 1s);
  expect(!done.empty() && done.size() + pending.size() == 3, "the first task has ended");
  if (pending.empty()) co_return;  // Without memory, tasks end early.
  const std::size_t left = pending.size();
  auto [rest, none] = co_await wait(std::move(pending));
  expect(rest.size() == left && none.empty(), "all tasks have ended");
}

TEST_CASE("Out of memory: wait() [T-27]") { fail_every(&wait_for_some); }

Task<void> gather_both_ways(Plan plan) {
  const FailNth guard(plan);
  const auto [one, two] = co_await gather(later(1, 2ms), later(2, 1ms));
  expect(one == 1 && two == 2, "gather() returns what its tasks do");
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(later(i, 1ms));
  const std::vector<int> values = co_await gather(std::move(tasks));
  expect(values.size() == 5 && values[4] == 4, "so does gather() of a vector");
}

TEST_CASE("Out of memory: gather() [T-27]") { fail_every(&gather_both_ways); }

Task<int> count_start(int& started, Tracked) {
  ++started;
  co_return 1;
}

Task<void> gather_all_or_none(Plan plan) {
  for (const bool in_vector : {false, true}) {
    Counts counts;
    int started = 0;
    bool thrown = false;
    {
      std::vector<Task<int>> tasks;
      for (int i = 0; i < 3; ++i) tasks.push_back(count_start(started, Tracked(counts)));
      const FailNth guard(plan);
      try {
        if (in_vector)
          co_await gather(std::move(tasks));
        else
          co_await gather(std::move(tasks[0]), std::move(tasks[1]), std::move(tasks[2]));
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
    }
    expect(started == (thrown ? 0 : 3), "gather() runs all of its tasks or none");
    expect(counts.alive() == 0, "and leaves none behind");
    if (thrown) throw std::bad_alloc();
  }
}

TEST_CASE("Out of memory: gather() runs all of its tasks, or none [T-09]") {
  fail_every(&gather_all_or_none);
}

Task<void> spawn_some(TaskGroup& group, Counts& counts, int& started) {
  for (int i = 0; i < 3; ++i)
    const TaskRef child = group.spawn(count_start(started, Tracked(counts)), kLongName);
  co_return;
}

Task<void> group_of_some(Plan plan) {
  Counts counts;
  int started = 0;
  const auto body = [](Counts& own, int& count, TaskGroup& group) {
    return spawn_some(group, own, count);
  };
  std::exception_ptr error;
  {
    const FailNth guard(plan);
    try {
      co_await task_group(body, std::ref(counts), std::ref(started));
    } catch (...) {
      error = std::current_exception();
    }
  }
  expect(counts.alive() == 0, "no task of a group outlives it");
  expect(error || started == 3, "a group runs its tasks");
  if (error) std::rethrow_exception(error);
}

Task<void> throw_after(std::chrono::milliseconds delay) {
  co_await sleep(delay);
  throw std::runtime_error("boom");
}

Task<void> group_of_failing(Plan plan) {
  const auto body = [](TaskGroup& group) -> Task<void> {
    const auto stubborn = []() -> Task<void> {
      try {
        co_await sleep(1h);
      } catch (const Cancelled&) {
        throw std::runtime_error("while cleaning up");
      }
    };
    const TaskRef one = group.spawn(throw_after(1ms));
    const TaskRef two = group.spawn(stubborn());
    co_await sleep(1h);
  };
  const FailNth guard(plan);
  try {
    co_await task_group(body);
  } catch (const ErrorGroup& errors) {
    expect(errors.errors().size() == 2, "a group tells all errors of its tasks");
  } catch (const std::runtime_error&) {
    throw std::bad_alloc();  // The other one could not even be spawned, or had no memory to sleep.
  }
}

TEST_CASE("Out of memory: task_group() [T-27]") {
  fail_every(&group_of_some);
  fail_every(&group_of_failing, {"ErrorGroup"});
}

Task<void> in_order_of_ends(Plan plan) {
  const FailNth guard(plan);
  std::vector<TaskHandle<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(spawn(later(i, std::chrono::milliseconds(5 - i))));
  auto all = as_completed(std::move(tasks), 1s);
  int count = 0;
  for (; !all.empty(); ++count) {
    const TaskHandle<int> done = co_await all.next();
    expect(done.done(), "as_completed() gives out what has ended");
  }
  expect(count == 5, "as_completed() gives out all");
}

TEST_CASE("Out of memory: as_completed() [T-27]") { fail_every(&in_order_of_ends); }

Task<void> shielded(Plan plan) {
  const FailNth guard(plan);
  const int value = co_await shield(later(7, 1ms));
  expect(value == 7, "shield() returns the value");
}

TEST_CASE("Out of memory: shield() [T-27]") { fail_every(&shielded); }

AsyncGenerator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) {
    if (i % 100 == 0) co_await yield_now();
    co_yield i;
  }
}

Task<void> generate(Plan plan) {
  const FailNth guard(plan);
  AsyncGenerator<int> items = count_to(3);
  int sum = 0;
  while (true) {
    const std::optional<int> item = co_await items.next();
    if (!item) break;
    sum += *item;
  }
  expect(sum == 6, "a generator gives out its items");
}

TEST_CASE("Out of memory: AsyncGenerator [T-27]") { fail_every(&generate); }

Task<int> sum_without_memory(AsyncGenerator<int>& items) {
  const FailNth no_more(Plan{1, true});
  int sum = 0;
  while (true) {
    const std::optional<int> item = co_await items.next();
    if (!item) break;
    sum += *item;
  }
  co_return sum;
}

TEST_CASE("AsyncGenerator: ten thousand items need no memory") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  const auto program = []() -> Task<int> {
    AsyncGenerator<int> items = count_to(10'000);
    co_return co_await sum_without_memory(items);
  };

  const int sum = run(program(), options);

  CHECK(sum == 10'000 * 10'001 / 2);
}

Task<void> stay(Tracked) { co_await sleep(1h); }

Task<void> gather_two(Counts& counts) {
  co_await gather(stay(Tracked(counts)), stay(Tracked(counts)));
}

Task<void> cancel_a_gather(Plan plan) {
  auto counts = std::make_unique<Counts>();
  const TaskHandle<void> gatherer = spawn(gather_two(*counts));
  co_await yield_now();
  const FailNth guard(plan);
  gatherer.cancel();
  co_await wait_done(gatherer);
  expect(gatherer.status() == TaskStatus::kCancelled, "a gather() that is cancelled ends so");
  expect(counts->alive() == 0, "its tasks have ended before");
  const std::string some_memory(100, 'x');
}

TEST_CASE("Out of memory: a gather() that is cancelled waits for its tasks [T-27]") {
  fail_every(&cancel_a_gather);
}

template <class Primitive>
Task<void> enter(std::shared_ptr<Primitive> primitive, std::shared_ptr<int> entered) {
  auto permit = co_await primitive->acquire();
  co_await yield_now();
  ++*entered;
}

template <class Primitive>
Task<void> contend(std::shared_ptr<Primitive> primitive) {
  auto entered = std::make_shared<int>(0);
  std::vector<TaskHandle<void>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(spawn(enter(primitive, entered)));
  for (const TaskHandle<void>& task : tasks) co_await task;
  expect(*entered == 5, "everybody has entered");
}

Task<void> lock_by_many(Plan plan) {
  const FailNth guard(plan);
  auto lock = std::make_shared<Lock>();
  co_await contend(lock);
  expect(!lock->locked(), "the lock is free again");
}

Task<void> semaphore_by_many(Plan plan) {
  const FailNth guard(plan);
  auto semaphore = std::make_shared<Semaphore>(2);
  co_await contend(semaphore);
  expect(semaphore->available() == 2, "the permits are back");
}

TEST_CASE("Out of memory: Lock and Semaphore [T-27]") {
  fail_every(&lock_by_many);
  fail_every(&semaphore_by_many);
}

}  // namespace
}  // namespace brigade
