// What an operation costs does not depend on how many tasks, timers and waiters there are. Counted
// are instructions, so it is the same on any machine: a walk over the others would be a hundred
// times as many.
#include <chrono>
#include <cstddef>
#include <tuple>
#include <vector>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/event.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/queue.h"
#include "brigade/sync/semaphore.h"
#include "brigade/tests/support/instructions.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kFew = 100;
constexpr int kMany = 10'000;

template <Task<void> (*body)(int)>
void in_loop(int others) {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  run(body(others), options);
}

// Not to the instruction: an allocator may have a longer way at times.
template <Task<void> (*body)(int)>
void check_flat() {
  const std::size_t few = count_instructions(&in_loop<body>, kFew);
  const std::size_t many = count_instructions(&in_loop<body>, kMany);
  INFO("instructions: ", few, " beside ", kFew, ", ", many, " beside ", kMany);
  CHECK(many <= few * 2);
}

// Waits in the middle of `others` at `primitive`, and is cancelled there.
template <class Primitive>
Task<void> cancel_in_the_middle(int others, Primitive& primitive, Task<void> (*wait)(Primitive&)) {
  std::vector<TaskHandle<void>> waiters;
  for (int i = 0; i < others; ++i) waiters.push_back(spawn(wait(primitive)));
  co_await yield_now();
  const TaskHandle<void>& warm_up = waiters[waiters.size() / 2];
  const TaskHandle<void>& victim = waiters[waiters.size() / 2 + 1];
  warm_up.cancel();
  co_await wait_done(warm_up);

  mark();
  victim.cancel();
  mark();
}

template <class Limiter>
Task<void> acquire(Limiter& limiter) {
  const auto permit = co_await limiter.acquire();
}

Task<void> wait_for(Event& event) { co_await event.wait(); }

Task<void> get_one(Queue<int>& queue) { co_await queue.get(); }

Task<void> cancel_at_lock(int others) {
  Lock lock;
  const Lock::Guard held = co_await lock.acquire();
  co_await cancel_in_the_middle(others, lock, &acquire<Lock>);
}

Task<void> cancel_at_semaphore(int others) {
  Semaphore semaphore(1);
  const Semaphore::Permit held = co_await semaphore.acquire();
  co_await cancel_in_the_middle(others, semaphore, &acquire<Semaphore>);
}

Task<void> cancel_at_event(int others) {
  Event event;
  co_await cancel_in_the_middle(others, event, &wait_for);
}

Task<void> cancel_at_queue(int others) {
  Queue<int> queue(1);
  co_await cancel_in_the_middle(others, queue, &get_one);
}

TEST_CASE("Waiters: the cancel of one in the middle costs the same among many [L-09]") {
  check_flat<&cancel_at_lock>();
  check_flat<&cancel_at_semaphore>();
  check_flat<&cancel_at_event>();
  check_flat<&cancel_at_queue>();
}

Task<void> nothing() { co_return; }

// Among tasks that wait as long as there are any.
Task<void> spawn_and_join(int others) {
  Event event;
  for (int i = 0; i < others; ++i) std::ignore = spawn(wait_for(event));
  co_await yield_now();
  co_await spawn(nothing());

  mark();
  co_await spawn(nothing());
  mark();
}

TEST_CASE("Tasks: spawn and join cost the same beside many others") {
  check_flat<&spawn_and_join>();
}

template <class Limiter>
Task<void> acquire_twice(Limiter& limiter) {
  for (int i = 0; i < 2; ++i) {
    const auto permit = co_await limiter.acquire();
    co_await yield_now();
  }
}

template <class Limiter>
Task<void> hand_over(int others, Limiter& limiter) {
  for (int i = 0; i < others; ++i) std::ignore = spawn(acquire_twice(limiter));
  auto held = co_await limiter.acquire();
  co_await yield_now();

  mark();
  held.release();
  co_await yield_now();
  mark();
}

Task<void> hand_over_lock(int others) {
  Lock lock;
  co_await hand_over(others, lock);
}

Task<void> hand_over_semaphore(int others) {
  Semaphore semaphore(1);
  co_await hand_over(others, semaphore);
}

Task<void> hand_over_item(int others) {
  Queue<int> queue(1);
  for (int i = 0; i < others; ++i) std::ignore = spawn(get_one(queue));
  co_await yield_now();

  mark();
  co_await queue.put(1);
  co_await yield_now();
  mark();
}

TEST_CASE("Waiters: a hand-over costs the same among many") {
  check_flat<&hand_over_lock>();
  check_flat<&hand_over_semaphore>();
  check_flat<&hand_over_item>();
}

class Silent : public Timer {
 public:
  Silent() noexcept : Timer([](Timer&) noexcept {}) {}
};

// Of the earliest timer, so that the heap is gone through from the bottom to the top and back.
Task<void> arm_and_disarm(int others) {
  Loop& loop = Loop::current();
  std::vector<Silent> timers(static_cast<std::size_t>(others));
  unsigned scattered = 0;
  for (Silent& timer : timers)
    loop.arm(timer, TimePoint(1h) + std::chrono::nanoseconds(scattered += 2654435761U));
  Silent earliest;

  mark();
  loop.arm(earliest, TimePoint(1s));
  loop.disarm(earliest);
  mark();
  co_return;
}

TEST_CASE("Timers: arming and disarming one grows by the logarithm [C-04]") {
  const std::size_t few = count_instructions(&in_loop<&arm_and_disarm>, kFew);
  const std::size_t many = count_instructions(&in_loop<&arm_and_disarm>, kMany);

  INFO("instructions: ", few, " beside ", kFew, ", ", many, " beside ", kMany);
  CHECK(many <= few * 3);  // A 4-ary heap of 100 has 4 levels, one of 10,000 has 7.
}

}  // namespace
}  // namespace brigade
