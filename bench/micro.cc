// What the parts of brigade cost by themselves, per operation, on the virtual clock:
//   ./bazelw run --config=release //bench:micro
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
constexpr int kContenders = 1000;

brigade::LoopOptions on_virtual_clock() {
  brigade::LoopOptions options;
  options.clock = brigade::ClockKind::kVirtual;
  return options;
}

// A benchmark that is one task from begin to end.
template <Task<void> (*body)(State&)>
void in_task(State& state) {
  brigade::run(body(state), on_virtual_clock());
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
  children.reserve(kMany);
  while (state.KeepRunningBatch(kMany)) {
    for (int i = 0; i < kMany; ++i) children.push_back(brigade::spawn(ready_child(i)));
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
  brigade::Loop loop(on_virtual_clock());
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

Task<void> sleeper(std::chrono::milliseconds duration) { co_await brigade::sleep(duration); }

double resident_bytes() {
  long pages = 0;
  std::FILE* const statm = std::fopen("/proc/self/statm", "re");
  if (statm == nullptr || std::fscanf(statm, "%*d %ld", &pages) != 1) std::abort();
  std::fclose(statm);
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE));
}

struct Sleepers {
  double seconds;  // of CPU, to create them all
  double bytes;    // they hold together
};

Sleepers create_sleepers() {
  brigade::Loop loop(on_virtual_clock());
  malloc_trim(0);
  const double bytes = resident_bytes();
  const std::clock_t start = std::clock();
  for (int i = 0; i < kMany; ++i) std::ignore = loop.spawn(sleeper(scattered(i)));
  loop.run_once();  // Each arms its timer.
  const double spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const Sleepers created{spent, resident_bytes() - bytes};
  loop.run_until_idle();
  return created;
}

void sleep_by_many(State& state) {
  double bytes = 0;
  while (state.KeepRunningBatch(kMany)) {
    // In a thread of its own, so that no frames of earlier rounds lie ready.
    std::thread([&] {
      const Sleepers created = create_sleepers();
      state.SetIterationTime(created.seconds);
      bytes += created.bytes;
    }).join();
  }
  state.counters["bytes_each"] = benchmark::Counter(bytes, benchmark::Counter::kAvgIterations);
}

BENCHMARK(in_task<await_ready_child>)->Name("await a ready child");
BENCHMARK(in_task<spawn_and_join>)->Name("spawn and join one");
BENCHMARK(in_task<spawn_and_join_many>)->Name("spawn and join, 100k live");
BENCHMARK(in_task<yield>)->Name("yield");
BENCHMARK(in_task<lock_free>)->Name("lock and unlock, free");
BENCHMARK(in_task<lock_contended>)->Name("lock, yield, unlock: 1000 tasks");
BENCHMARK(in_task<semaphore_contended>)->Name("semaphore(3), yield: 1000 tasks");
BENCHMARK(in_task<queue_unhindered>)->Name("queue: put and get, one task");
BENCHMARK(in_task<queue_to_a_consumer>)->Name("queue: put and get, two tasks");
BENCHMARK(in_task<event_by_turns>)->Name("event: set and wait, there and back");
BENCHMARK(in_task<condition_by_turns>)->Name("condition: notify and wait, there and back");
BENCHMARK(timer_create_and_cancel)->Name("timer create and cancel, beside")->Arg(0)->Arg(kMany);
BENCHMARK(in_task<timeout_unreached>)->Name("timeout of a ready child");
BENCHMARK(sleep_by_many)->Name("sleep, 100k asleep: create")->UseManualTime();

}  // namespace
