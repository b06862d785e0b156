#pragma once

#include <chrono>
#include <coroutine>

#include "brigade/runtime/loop.h"

namespace brigade {

/// Lets every other ready task run once.
class YieldNow : public Waiter {
 public:
  YieldNow() noexcept : Waiter(kKind) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
    if (!park(coroutine)) return false;
    wake();
    return true;
  }
  void await_resume() { throw_if_cancel_due(); }

 private:
  static constexpr Kind kKind{"its turn", &unlink_and_wake};
};

/// Parks until an instant; one that has passed costs one turn.
class SleepUntil : public Waiter, private Timer {
 public:
  explicit SleepUntil(TimePoint deadline) noexcept
      : Waiter(kKind), Timer(&fire), deadline_(deadline) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine);
  void await_resume() { throw_if_cancel_due(); }

 private:
  static void fire(Timer& timer) noexcept { static_cast<SleepUntil&>(timer).wake(); }
  static void cancel(Waiter& waiter) noexcept;
  static constexpr Kind kKind{"a time", &cancel};

  TimePoint deadline_;
};

/// `co_await yield_now()` gives the turn to the other ready tasks.
/// `co_await sleep(50ms)` parks for a duration of any std::chrono unit, clamped to what 64-bit
/// nanoseconds hold; zero, negative and NaN are yield_now(). `co_await sleep_until(t)` parks until
/// an instant of Loop::now(). Never early; equal deadlines wake in the order of the calls.
///
/// Errors:       std::bad_alloc if the timer heap cannot grow.
/// Cancellation: safe; nothing can be lost, so a cancel is delivered even after the time has come.
/// Complexity:   yield O(1), sleep O(log timers).
/// Threads:      loop-affine.
/// Lifetime:     awaited in the expression that calls it.
/// Example:      examples/hello.cc
inline YieldNow yield_now() noexcept { return YieldNow(); }
inline SleepUntil sleep_until(TimePoint deadline) noexcept { return SleepUntil(deadline); }
template <class Rep, class Period>
SleepUntil sleep(std::chrono::duration<Rep, Period> duration) noexcept {
  return SleepUntil(after(Loop::current().now(), to_nanoseconds(duration)));
}

}  // namespace brigade
