#pragma once

#include <chrono>
#include <coroutine>
#include <utility>

#include "brigade/runtime/loop.h"

namespace brigade {

/// Cancels the running task at a deadline, and tells afterwards whether that cancel, and no other,
/// is what ended the wait. The part of timeout() that does not depend on the result.
class Deadline : private Timer {
 public:
  explicit Deadline(Nanoseconds delay) noexcept : Timer(&fire), delay_(delay) {}
  ~Deadline() { disarm(); }

 protected:
  void arm();
  void disarm() noexcept;

  /// Takes our cancel back, if we asked for one. True if no other cancel is left.
  bool withdraw() noexcept;

 private:
  static void fire(Timer& timer) noexcept;

  Nanoseconds delay_;
  TaskContext* context_ = nullptr;
  unsigned entry_requests_ = 0;
  bool fired_ = false;
};

/// Awaits a Task within a deadline.
template <class T>
class Timeout : private Deadline {
 public:
  Timeout(Nanoseconds delay, Task<T> task) noexcept : Deadline(delay), task_(std::move(task)) {}

  bool await_ready() const noexcept { return false; }
  template <class Caller>
  bool await_suspend(std::coroutine_handle<Caller> caller) {
    arm();
    return std::move(task_).operator co_await().await_suspend(caller);
  }
  T await_resume() {
    disarm();
    try {
      if constexpr (std::is_void_v<T>) {
        take();
        withdraw();
      } else {
        T value = take();
        withdraw();
        return value;
      }
    } catch (const Cancelled&) {
      if (withdraw()) throw TimeoutError();
      throw;
    } catch (...) {
      withdraw();
      throw;
    }
  }

 private:
  T take() { return task_.take(); }

  Task<T> task_;
};

/// `co_await timeout(2s, task)`: the value of `task`, or TimeoutError if it has not ended after the
/// duration: then it is cancelled, and the error comes when it has unwound. A value that wins the
/// race is returned. Runs in the calling task. A duration of zero or less lets the task run up to
/// its first suspension point.
///
/// Errors:       TimeoutError; what the task throws; std::bad_alloc if the timer heap cannot grow.
/// Cancellation: safe; a cancel from outside wins over the deadline: Cancelled is thrown, not
///               TimeoutError. Nested timeouts each see only their own deadline.
/// Complexity:   O(log timers), no allocation of its own.
/// Threads:      loop-affine.
/// Lifetime:     awaited in the expression that calls it.
/// Example:      examples/timeout.cc
template <class Rep, class Period, class T>
[[nodiscard]] Timeout<T> timeout(std::chrono::duration<Rep, Period> duration, Task<T> task) {
  return Timeout<T>(to_nanoseconds(duration), std::move(task));
}

}  // namespace brigade
