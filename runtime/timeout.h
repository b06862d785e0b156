#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <utility>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/scoped_cancel.h"

namespace brigade {

template <class T>
class Timeout;

/// An instant that ends what a timeout() runs, for who wants to look at it or move it meanwhile:
/// `Deadline deadline(2s); co_await timeout(deadline, talk(deadline));`. The same Deadline may end
/// one timeout() after the other.
///
/// Errors:       reschedule() throws std::logic_error when the deadline has passed and its cancel
///               is under way, and std::bad_alloc if the timer heap cannot grow. One Deadline for
///               two timeouts at a time is a broken check.
/// Cancellation: not a suspension point.
/// Complexity:   reschedule() O(log timers).
/// Threads:      loop-affine.
/// Lifetime:     must outlive the timeout() it is given to.
/// Example:      examples/deadline.cc
class Deadline : private Timer {
 public:
  /// At an instant of Loop::now(); TimePoint::max() is never.
  explicit Deadline(TimePoint when) noexcept : Timer(&fire), when_(when) {}
  /// From now on.
  template <class Rep, class Period>
  explicit Deadline(std::chrono::duration<Rep, Period> duration) noexcept
      : Deadline(after(Loop::current().now(), to_nanoseconds(duration))) {}
  ~Deadline() { disarm(); }

  TimePoint when() const noexcept { return when_; }

  /// Moves it, also while a timeout() runs. To an instant that has passed: it passes now.
  void reschedule(TimePoint when);

  /// It has passed while its latest timeout() ran.
  bool expired() const noexcept { return scope_.requested() || expired_; }

 private:
  template <class T>
  friend class Timeout;

  void begin();
  /// True if the deadline, and no other cancel, has ended what ran.
  bool end() noexcept;
  void arm(TimePoint when);
  void disarm() noexcept;
  static void fire(Timer& timer) noexcept;

  TimePoint when_;
  ScopedCancel scope_;
  bool active_ = false;  // A timeout() runs with it.
  bool expired_ = false;
};

/// Awaits a Task within a deadline.
template <class T>
class Timeout {
 public:
  Timeout(Deadline& deadline, Task<T> task) noexcept
      : deadline_(deadline), task_(std::move(task)) {}
  Timeout(TimePoint when, Task<T> task) noexcept
      : own_(std::in_place, when), deadline_(*own_), task_(std::move(task)) {}

  bool await_ready() const noexcept { return false; }
  template <class Caller>
  bool await_suspend(std::coroutine_handle<Caller> caller) {
    deadline_.begin();
    return std::move(task_).operator co_await().await_suspend(caller);
  }
  T await_resume() {
    try {
      if constexpr (std::is_void_v<T>) {
        task_.take();
        deadline_.end();
      } else {
        T value = task_.take();
        deadline_.end();
        return value;
      }
    } catch (const Cancelled&) {
      if (deadline_.end()) throw TimeoutError();
      throw;
    } catch (...) {
      deadline_.end();
      throw;
    }
  }

 private:
  std::optional<Deadline> own_;
  Deadline& deadline_;
  Task<T> task_;
};

/// `co_await timeout(2s, task)`: the value of `task`, or TimeoutError if it has not ended after the
/// duration: then it is cancelled, and the error comes when it has unwound. A value that wins the
/// race is returned. Runs in the calling task. A duration of zero or less, or an instant that has
/// passed, lets the task run up to its first suspension point: one await in 65 that could complete
/// at once is one too, so this is no way to look without waiting. timeout_at() takes an instant of
/// Loop::now(); timeout(deadline, task) a Deadline that can be moved. All take a Task: wrap what a
/// lock, event, queue or stream returns, an awaiter that cannot be moved, in a coroutine.
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
  const TimePoint when = after(Loop::current().now(), to_nanoseconds(duration));
  return Timeout<T>(when, std::move(task));
}
template <class T>
[[nodiscard]] Timeout<T> timeout_at(TimePoint when, Task<T> task) {
  return Timeout<T>(when, std::move(task));
}
template <class T>
[[nodiscard]] Timeout<T> timeout(Deadline& deadline, Task<T> task) {
  return Timeout<T>(deadline, std::move(task));
}

}  // namespace brigade
