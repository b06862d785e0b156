// What the parts of brigade cost by themselves, per operation:
//   ./bazelw run --config=release //bench:micro
// On a machine that is not quiet, count instructions instead: tools/bench --callgrind.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "brigade/bench/told_iterations.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/sync/condition.h"
#include "brigade/sync/event.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/queue.h"
#include "brigade/sync/semaphore.h"

namespace {

using benchmark::State;
using brigade::Task;
using brigade::TaskHandle;

constexpr int kMany = 100'000;
constexpr int kMillion = 1'000'000;
constexpr int kContenders = 1000;

// A benchmark that is one task from begin to end.
template <Task<void> (*body)(State&)>
void in_task(State& state) {
  brigade::run(body(state));
}

Task<int> ready_child(int n) { co_return n; }

Task<void> await_ready_child(State& state) {
  for (auto _ : state) {
    const int n = co_await ready_child(1);
    benchmark::DoNotOptimize(n);
  }
}

Task<void> spawn_and_join(State& state) {
  for (auto _ : state) {
    const TaskHandle<int> child = brigade::spawn(ready_child(1));
    const int n = co_await child;
    benchmark::DoNotOptimize(n);
  }
}

Task<void> spawn_and_join_many(State& state) {
  std::vector<TaskHandle<int>> children;
  children.reserve(kMillion);
  while (state.KeepRunningBatch(kMillion)) {
    for (int i = 0; i < kMillion; ++i) children.push_back(brigade::spawn(ready_child(i)));
    for (const TaskHandle<int>& child : children) {
      const int n = co_await child;
      benchmark::DoNotOptimize(n);
    }
    children.clear();
  }
}

Task<void> yield(State& state) {
  for (auto _ : state) co_await brigade::yield_now();
}

Task<void> lock_free(State& state) {
  brigade::Lock lock;
  for (auto _ : state) const brigade::Lock::Guard guard = co_await lock.acquire();
}

template <class Limiter>
Task<void> contend(Limiter& limiter, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const auto permit = co_await limiter.acquire();
    co_await brigade::yield_now();
  }
}

template <class Limiter>
Task<void> contend_by_many(State& state, Limiter& limiter) {
  constexpr int kRounds = kMany / kContenders;
  while (state.KeepRunningBatch(kMany)) {
    std::vector<Task<void>> tasks;
    for (int i = 0; i < kContenders; ++i) tasks.push_back(contend(limiter, kRounds));
    co_await brigade::gather(std::move(tasks));
  }
}

Task<void> lock_contended(State& state) {
  brigade::Lock lock;
  co_await contend_by_many(state, lock);
}

Task<void> semaphore_contended(State& state) {
  brigade::Semaphore semaphore(3);
  co_await contend_by_many(state, semaphore);
}

Task<void> queue_unhindered(State& state) {
  brigade::Queue<int> queue(1);
  for (auto _ : state) {
    co_await queue.put(1);
    const std::optional<int> item = co_await queue.get();
    benchmark::DoNotOptimize(item);
  }
}

Task<void> take_all(brigade::Queue<int>& queue) {
  for (;;) {
    const std::optional<int> item = co_await queue.get();
    if (!item) break;
    benchmark::DoNotOptimize(item);
  }
}

Task<void> queue_to_a_consumer(State& state) {
  brigade::Queue<int> queue(100);
  const TaskHandle<void> consumer = brigade::spawn(take_all(queue));
  for (auto _ : state) co_await queue.put(1);
  queue.close();
  co_await consumer;
}

Task<void> event_by_turns(State& state) {
  brigade::Event mine;
  brigade::Event yours;
  const auto answer = [](brigade::Event& asked, brigade::Event& answered) -> Task<void> {
    for (;;) {
      co_await asked.wait();
      asked.clear();
      answered.set();
    }
  };
  const TaskHandle<void> other = brigade::spawn(answer(yours, mine));
  for (auto _ : state) {
    yours.set();
    co_await mine.wait();
    mine.clear();
  }
  other.cancel();
}

Task<void> condition_by_turns(State& state) {
  brigade::Lock lock;
  brigade::Condition changed;
  const auto answer = [](brigade::Lock& own, brigade::Condition& change) -> Task<void> {
    brigade::Lock::Guard guard = co_await own.acquire();
    for (;;) {
      change.notify();
      co_await change.wait(guard);
    }
  };
  brigade::Lock::Guard guard = co_await lock.acquire();
  const TaskHandle<void> other = brigade::spawn(answer(lock, changed));
  for (auto _ : state) {
    changed.notify();
    co_await changed.wait(guard);
  }
  other.cancel();
}

Task<void> customer(brigade::Lock& soda, brigade::Semaphore& cooks) {
  {
    const brigade::Lock::Guard machine = co_await soda.acquire();
    co_await brigade::yield_now();
  }
  {
    const brigade::Semaphore::Permit cook = co_await cooks.acquire();
    co_await brigade::yield_now();
  }
  co_await brigade::yield_now();
}

Task<void> fast_food(State& state) {
  brigade::Lock soda;
  brigade::Semaphore cooks(3);
  while (state.KeepRunningBatch(kMany)) {
    std::vector<Task<void>> customers;
    for (int i = 0; i < kMany; ++i) customers.push_back(customer(soda, cooks));
    co_await brigade::gather(std::move(customers));
  }
}

// Deadlines in no order, within a day.
std::chrono::milliseconds scattered(int i) {
  constexpr std::uint32_t kDay = 86'400'000;
  return std::chrono::milliseconds(static_cast<std::uint32_t>(i) * 2654435761U % kDay);
}

// While `state.range(0)` other timers are armed.
void timer_create_and_cancel(State& state) {
  class Silent : public brigade::Timer {
   public:
    Silent() noexcept : Timer([](Timer&) noexcept {}) {}
  };
  brigade::Loop loop;
  std::vector<Silent> others(static_cast<std::size_t>(state.range(0)));
  int i = 0;
  for (Silent& other : others) loop.arm(other, loop.now() + scattered(++i));
  for (auto _ : state) {
    Silent timer;
    loop.arm(timer, loop.now() + scattered(++i));
    loop.disarm(timer);
  }
  for (Silent& other : others) loop.disarm(other);
}

Task<void> timeout_unreached(State& state) {
  for (auto _ : state) {
    const int n = co_await brigade::timeout(std::chrono::seconds(1), ready_child(1));
    benchmark::DoNotOptimize(n);
  }
}

double resident_bytes() {
  long pages = 0;
  std::FILE* const statm = std::fopen("/proc/self/statm", "re");
  if (statm == nullptr || std::fscanf(statm, "%*d %ld", &pages) != 1) std::abort();
  std::fclose(statm);
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE));
}

struct Sleepers {
  double create_seconds = 0;  // of CPU, for all
  double bytes = 0;           // they hold together
  double late_seconds = 0;    // the last one, after the last deadline
};

Task<void> sleeper(brigade::TimePoint deadline) { co_await brigade::sleep_until(deadline); }

// Sleeps on the real clock, to deadlines in no order within 100 ms, far enough ahead for all to be
// asleep.
Sleepers sleep_all() {
  constexpr auto kAhead = std::chrono::seconds(4);
  constexpr std::uint32_t kSpread = 100'000'000;
  brigade::Loop loop;
  malloc_trim(0);
  Sleepers sleepers;
  const double bytes = resident_bytes();
  const brigade::TimePoint first = loop.now() + kAhead;
  const std::clock_t start = std::clock();
  for (std::uint32_t i = 0; i < kMillion; ++i)
    std::ignore = loop.spawn(sleeper(first + std::chrono::nanoseconds(i * 2654435761U % kSpread)));
  loop.run_once();  // Each arms its timer.
  sleepers.create_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  sleepers.bytes = resident_bytes() - bytes;
  loop.run_until_idle();
  const std::chrono::duration<double> late =
      loop.now() - first - std::chrono::nanoseconds(kSpread - 1);
  sleepers.late_seconds = late.count();
  return sleepers;
}

void sleep_by_many(State& state) {
  Sleepers last;
  while (state.KeepRunningBatch(kMillion)) {
    // In a thread of its own, so that no frames of earlier rounds lie ready.
    std::thread([&last] { last = sleep_all(); }).join();
    state.SetIterationTime(last.create_seconds);
  }
  state.counters["bytes_each"] = last.bytes / kMillion;
  state.counters["last_late_ms"] = last.late_seconds * 1000;
}

BENCHMARK(in_task<await_ready_child>)->Name("await a ready child")->Apply(kToldIterations);
BENCHMARK(in_task<spawn_and_join>)->Name("spawn and join one")->Apply(kToldIterations);
BENCHMARK(in_task<spawn_and_join_many>)->Name("spawn and join, 1e6 live");
BENCHMARK(in_task<yield>)->Name("yield")->Apply(kToldIterations);
BENCHMARK(in_task<lock_free>)->Name("lock and unlock, free")->Apply(kToldIterations);
BENCHMARK(in_task<lock_contended>)->Name("lock, yield, unlock: 1000 tasks")->Apply(kToldIterations);
BENCHMARK(in_task<semaphore_contended>)
    ->Name("semaphore(3), yield: 1000 tasks")
    ->Apply(kToldIterations);
BENCHMARK(in_task<queue_unhindered>)->Name("queue: put and get, one task")->Apply(kToldIterations);
BENCHMARK(in_task<queue_to_a_consumer>)
    ->Name("queue: put and get, two tasks")
    ->Apply(kToldIterations);
BENCHMARK(in_task<event_by_turns>)
    ->Name("event: set and wait, there and back")
    ->Apply(kToldIterations);
BENCHMARK(in_task<condition_by_turns>)
    ->Name("condition: notify and wait, there and back")
    ->Apply(kToldIterations);

BENCHMARK(in_task<fast_food>)->Name("fast food: a customer of 100k")->Apply(kToldIterations);
BENCHMARK(timer_create_and_cancel)
    ->Name("timer create and cancel, beside")
    ->Apply(kToldIterations)
    ->Arg(0)
    ->Arg(kMany);
BENCHMARK(in_task<timeout_unreached>)->Name("timeout of a ready child")->Apply(kToldIterations);
BENCHMARK(sleep_by_many)->Name("sleep, 1e6 asleep: create")->UseManualTime()->Iterations(kMillion);

}  // namespace
