// What one operation costs while many others are there: tasks, timers and waiters on the virtual
// clock, connections in the kernel. tools/bench --growth runs it; the argument of each is how many.
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "brigade/net/socket.h"
#include "brigade/net/stream.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timer_heap.h"
#include "brigade/runtime/unique_fd.h"
#include "brigade/sync/event.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/queue.h"
#include "brigade/sync/semaphore.h"

namespace {

using benchmark::State;
using brigade::BackendKind;
using brigade::Task;
using brigade::TaskHandle;
using Handles = std::vector<TaskHandle<void>>;

brigade::LoopOptions on_virtual_clock() {
  brigade::LoopOptions options;
  options.clock = brigade::ClockKind::kVirtual;
  return options;
}

// A benchmark that is one task from begin to end; the loop then cancels the others.
template <Task<void> (*body)(State&)>
void in_task(State& state) {
  brigade::run(body(state), on_virtual_clock());
}

Task<void> nothing() { co_return; }

Task<void> wait(brigade::Event& event) { co_await event.wait(); }

Task<void> join(const Handles& handles) {
  for (const TaskHandle<void>& handle : handles) co_await brigade::wait_done(handle);
}

void cancel(const Handles& handles) {
  for (const TaskHandle<void>& handle : handles) handle.cancel();
}

Task<void> cancel_and_join(const Handles& handles) {
  cancel(handles);
  co_await join(handles);
}

// Tasks.

Task<void> spawn_and_join(State& state) {
  brigade::Event event;
  Handles others;
  for (auto i = state.range(0); i > 0; --i) others.push_back(brigade::spawn(wait(event)));
  co_await brigade::yield_now();
  for (auto _ : state) co_await brigade::spawn(nothing());
  co_await cancel_and_join(others);
}

Task<void> yield_until(const bool& ended) {
  while (!ended) co_await brigade::yield_now();
}

Task<void> yield(State& state) {
  bool ended = false;
  Handles others;
  for (auto i = state.range(0); i > 1; --i) others.push_back(brigade::spawn(yield_until(ended)));
  co_await brigade::yield_now();
  while (state.KeepRunningBatch(state.range(0))) co_await brigade::yield_now();
  ended = true;
  co_await join(others);
}

// Timers. Deadlines in no order, within a day.
std::chrono::milliseconds scattered(std::int64_t i) {
  constexpr std::uint32_t kDay = 86'400'000;
  return std::chrono::milliseconds(static_cast<std::uint32_t>(i) * 2654435761U % kDay);
}

class Silent : public brigade::Timer {
 public:
  Silent() noexcept : Timer([](Timer&) noexcept {}) {}
};

void arm_and_disarm(State& state) {
  brigade::Loop loop(on_virtual_clock());
  std::vector<Silent> others(static_cast<std::size_t>(state.range(0)));
  std::int64_t i = 0;
  for (Silent& other : others) loop.arm(other, loop.now() + scattered(++i));
  for (auto _ : state) {
    Silent timer;
    loop.arm(timer, loop.now() + scattered(++i));
    loop.disarm(timer);
  }
  for (Silent& other : others) loop.disarm(other);
}

void arm_and_fire(State& state) {
  std::vector<Silent> timers(static_cast<std::size_t>(state.range(0)));
  brigade::TimerHeap heap;
  while (state.KeepRunningBatch(state.range(0))) {
    std::int64_t i = 0;
    for (Silent& timer : timers) heap.arm(timer, brigade::TimePoint(scattered(++i)));
    heap.fire_due(brigade::TimePoint::max());
  }
}

Task<void> sleep(std::chrono::milliseconds duration) { co_await brigade::sleep(duration); }

Task<void> cancel_sleepers(State& state) {
  while (state.KeepRunningBatch(state.range(0))) {
    state.PauseTiming();
    Handles sleepers;
    for (auto i = state.range(0); i > 0; --i)
      sleepers.push_back(brigade::spawn(sleep(scattered(i))));
    co_await brigade::yield_now();
    state.ResumeTiming();
    co_await cancel_and_join(sleepers);
  }
}

// Waiters. One in their middle is cancelled, and another one comes.
template <class Primitive>
Task<void> cancel_waiter(State& state, Primitive& primitive, Task<void> (*wait_at)(Primitive&)) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Handles waiters;
  for (std::size_t i = 0; i < count; ++i) waiters.push_back(brigade::spawn(wait_at(primitive)));
  co_await brigade::yield_now();
  std::size_t next = count / 2;
  for (auto _ : state) {
    TaskHandle<void>& waiter = waiters[next];
    waiter.cancel();
    co_await brigade::wait_done(waiter);
    waiter = brigade::spawn(wait_at(primitive));
    if (++next == count) next = 0;
  }
  co_await cancel_and_join(waiters);
}

template <class Limiter>
Task<void> acquire(Limiter& limiter) {
  const auto permit = co_await limiter.acquire();
}

Task<void> get(brigade::Queue<int>& queue) { co_await queue.get(); }

Task<void> cancel_at_lock(State& state) {
  brigade::Lock lock;
  const brigade::Lock::Guard held = co_await lock.acquire();
  co_await cancel_waiter(state, lock, &acquire<brigade::Lock>);
}

Task<void> cancel_at_semaphore(State& state) {
  brigade::Semaphore semaphore(1);
  const brigade::Semaphore::Permit held = co_await semaphore.acquire();
  co_await cancel_waiter(state, semaphore, &acquire<brigade::Semaphore>);
}

Task<void> cancel_at_event(State& state) {
  brigade::Event event;
  co_await cancel_waiter(state, event, &wait);
}

Task<void> cancel_at_queue(State& state) {
  brigade::Queue<int> queue(1);
  co_await cancel_waiter(state, queue, &get);
}

// Hand-overs among as many: each goes to the end of the queue again.
template <class Limiter>
Task<void> acquire_until(Limiter& limiter, const bool& ended) {
  while (!ended) const auto permit = co_await limiter.acquire();
}

template <class Limiter>
Task<void> hand_over(State& state, Limiter& limiter) {
  bool ended = false;
  Handles others;
  for (auto i = state.range(0); i > 1; --i)
    others.push_back(brigade::spawn(acquire_until(limiter, ended)));
  co_await brigade::yield_now();
  while (state.KeepRunningBatch(state.range(0))) const auto permit = co_await limiter.acquire();
  ended = true;
  co_await join(others);
}

Task<void> hand_over_lock(State& state) {
  brigade::Lock lock;
  co_await hand_over(state, lock);
}

Task<void> hand_over_semaphore(State& state) {
  brigade::Semaphore semaphore(1);
  co_await hand_over(state, semaphore);
}

Task<void> get_all(brigade::Queue<int>& queue) {
  for (;;) {
    const std::optional<int> item = co_await queue.get();
    if (!item) break;
  }
}

Task<void> hand_over_queue(State& state) {
  brigade::Queue<int> queue(1);
  Handles others;
  for (auto i = state.range(0); i > 0; --i) others.push_back(brigade::spawn(get_all(queue)));
  co_await brigade::yield_now();
  for (auto _ : state) co_await queue.put(1);
  queue.close();
  co_await join(others);
}

Task<void> wait_until(brigade::Event& event, const bool& ended) {
  while (!ended) {
    co_await event.wait();
    event.clear();
  }
}

Task<void> set_event(State& state) {
  brigade::Event event;
  bool ended = false;
  Handles others;
  for (auto i = state.range(0); i > 0; --i)
    others.push_back(brigade::spawn(wait_until(event, ended)));
  co_await brigade::yield_now();
  while (state.KeepRunningBatch(state.range(0))) {
    event.set();
    co_await brigade::yield_now();
  }
  ended = true;
  event.set();
  co_await join(others);
}

// Connections, of which each has a descriptor at either end.
constexpr std::int64_t kMaxLinks = 9500;

struct Link {
  Link(brigade::UniqueFd other_end, std::pair<brigade::StreamReader, brigade::StreamWriter> streams)
      : peer(std::move(other_end)),
        reader(std::move(streams.first)),
        writer(std::move(streams.second)) {}

  brigade::UniqueFd peer;
  brigade::StreamReader reader;
  brigade::StreamWriter writer;
};

std::pair<brigade::UniqueFd, brigade::UniqueFd> connected_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) std::abort();
  return {brigade::UniqueFd(fds[0]), brigade::UniqueFd(fds[1])};
}

std::vector<Link> connect(std::int64_t count) {
  std::vector<Link> links;
  for (; count > 0; --count) {
    auto [mine, other] = connected_pair();
    brigade::Socket socket(&brigade::Loop::current(), std::move(mine));
    links.emplace_back(std::move(other), brigade::open_streams(std::move(socket)));
  }
  return links;
}

Task<void> read(Link& link) { co_await link.reader.read(1); }

Task<void> close(Link& link) {
  link.writer.close();
  co_await link.writer.wait_closed();
}

// Tasks that wait for `items`, with what they asked for in the hands of the kernel.
template <class Item>
Task<Handles> start(std::vector<Item>& items, Task<void> (*body)(Item&)) {
  Handles handles;
  for (Item& item : items) handles.push_back(brigade::spawn(body(item)));
  co_await brigade::sleep(std::chrono::milliseconds(1));
  co_return handles;
}

template <class Item>
Task<void> cancel_started(State& state, std::vector<Item>& items, Task<void> (*body)(Item&)) {
  while (state.KeepRunningBatch(state.range(0))) {
    state.PauseTiming();
    const Handles handles = co_await start(items, body);
    state.ResumeTiming();
    co_await cancel_and_join(handles);
  }
}

Task<void> cancel_reads(State& state) {
  std::vector<Link> links = connect(state.range(0));
  co_await cancel_started(state, links, &read);
}

Task<void> poll(int& fd) { co_await brigade::wait_readable(fd); }

// Of 100,000, about ten share a descriptor.
Task<void> cancel_polls(State& state) {
  std::vector<brigade::UniqueFd> events;
  for (auto i = std::min(state.range(0), kMaxLinks); i > 0; --i)
    events.emplace_back(::eventfd(0, EFD_CLOEXEC));
  std::vector<int> fds;
  for (auto i = state.range(0); i > 0; --i)
    fds.push_back(events[static_cast<std::size_t>(i) % events.size()].get());
  co_await cancel_started(state, fds, &poll);
}

Task<void> close_links(State& state) {
  while (state.KeepRunningBatch(state.range(0))) {
    state.PauseTiming();
    std::vector<Link> links = connect(state.range(0));
    const Handles readers = co_await start(links, &read);
    state.ResumeTiming();
    std::vector<Task<void>> closes;
    for (Link& link : links) closes.push_back(close(link));
    co_await brigade::gather(std::move(closes));
    state.PauseTiming();
    co_await join(readers);
    links.clear();
    state.ResumeTiming();
  }
}

bool allow_descriptors(std::int64_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > static_cast<rlim_t>(count);
}

template <BackendKind backend, Task<void> (*body)(State&)>
void on(State& state) {
  if (!allow_descriptors(2 * std::min(state.range(0), kMaxLinks) + 100))
    return state.SkipWithError("the limit of descriptors is too low: ulimit -n");
  brigade::LoopOptions options;
  options.backend = backend;
  brigade::run(body(state), options);
}

void declare(const char* name, void (*body)(State&)) {
  benchmark::RegisterBenchmark(name, body)->RangeMultiplier(10)->Range(100, 1'000'000);
}

template <Task<void> (*body)(State&)>
void declare_in_kernel(const std::string& name, std::int64_t most = kMaxLinks) {
  for (const auto& [backend, run] : {std::pair(" (io_uring)", &on<BackendKind::kIoUring, body>),
                                     std::pair(" (epoll)", &on<BackendKind::kEpoll, body>)})
    benchmark::RegisterBenchmark((name + backend).c_str(), run)
        ->RangeMultiplier(10)
        ->Range(10, most);
}

void declare_all() {
  declare("spawn and join beside tasks", &in_task<&spawn_and_join>);
  declare("yield among tasks", &in_task<&yield>);
  declare("arm and disarm a timer beside timers", &arm_and_disarm);
  declare("arm and fire timers", &arm_and_fire);
  declare("cancel sleeping tasks", &in_task<&cancel_sleepers>);
  declare("cancel one that waits at a Lock", &in_task<&cancel_at_lock>);
  declare("cancel one that waits at a Semaphore", &in_task<&cancel_at_semaphore>);
  declare("cancel one that waits at an Event", &in_task<&cancel_at_event>);
  declare("cancel one that waits at a Queue", &in_task<&cancel_at_queue>);
  declare("hand over a Lock", &in_task<&hand_over_lock>);
  declare("hand over a Semaphore", &in_task<&hand_over_semaphore>);
  declare("hand over by a Queue", &in_task<&hand_over_queue>);
  declare("set an Event, per waiter", &in_task<&set_event>);
  declare_in_kernel<&cancel_reads>("cancel reads");
  declare_in_kernel<&cancel_polls>("cancel wait_readable", 100'000);
  declare_in_kernel<&close_links>("close with a read pending");
}

}  // namespace

int main(int argc, char** argv) {
  declare_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
