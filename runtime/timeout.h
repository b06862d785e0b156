#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <utility>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/scoped_cancel.h"

namespace brigade {

template <class Awaiter>
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
  template <class Awaiter>
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

/// A Task that another awaiter keeps until it has ended.
template <class T>
class OwnedTask {
 public:
  explicit OwnedTask(Task<T> task) noexcept : task_(std::move(task)) {}
  bool await_ready() const noexcept { return false; }
  template <class Caller>
  bool await_suspend(std::coroutine_handle<Caller> caller) {
    return std::move(task_).operator co_await().await_suspend(caller);
  }
  T await_resume() { return task_.take(); }

 private:
  Task<T> task_;
};

/// How `co_await what` waits: an awaiter of its own, or what it is itself.
template <class T>
OwnedTask<T> awaiter_of(Task<T>&& what) noexcept {
  return OwnedTask<T>(std::move(what));
}
template <class What>
auto awaiter_of(What&& what) noexcept
  requires requires { std::forward<What>(what).operator co_await(); }
{
  return std::forward<What>(what).operator co_await();
}
template <class What>
auto& awaiter_of(What&& what) noexcept
  requires requires { what.await_resume(); }
{
  return what;
}

/// Awaits something within a deadline.
template <class Awaiter>
class Timeout {
 public:
  template <class What>
  Timeout(Deadline& deadline, What&& what) noexcept
      : deadline_(deadline), awaiter_(awaiter_of(std::forward<What>(what))) {}
  template <class What>
  Timeout(TimePoint when, What&& what) noexcept
      : own_(std::in_place, when),
        deadline_(*own_),
        awaiter_(awaiter_of(std::forward<What>(what))) {}

  bool await_ready() {
    deadline_.begin();
    return attempt([this] { return awaiter_.await_ready(); });
  }
  template <class Caller>
  auto await_suspend(std::coroutine_handle<Caller> caller) {
    return attempt([this, caller] { return awaiter_.await_suspend(caller); });
  }
  decltype(auto) await_resume() {
    bool passed = false;
    try {
      const End end{deadline_, passed};
      return awaiter_.await_resume();
    } catch (const Cancelled&) {
      if (passed) throw TimeoutError();
      throw;
    }
  }

 private:
  struct End {
    ~End() { passed = deadline.end(); }
    Deadline& deadline;
    bool& passed;
  };

  // Where it throws, nothing is awaited.
  template <class Attempt>
  auto attempt(const Attempt& attempt) {
    try {
      return attempt();
    } catch (...) {
      deadline_.end();
      throw;
    }
  }

  std::optional<Deadline> own_;
  Deadline& deadline_;
  Awaiter awaiter_;  // Or a reference to one.
};
template <class What>
using TimeoutOf = Timeout<decltype(awaiter_of(std::declval<What>()))>;

/// `co_await timeout(2s, what)`: the value of `what`, or TimeoutError if it has not ended after the
/// duration: then it is cancelled, and the error comes when it has unwound. A value that wins the
/// race is returned. `what` is anything that can be awaited: a Task, which runs in the calling
/// task, `queue.get()`, `reader.readline()`, a handle. A duration of zero or less, or an instant
/// that has passed, lets it go on up to its first suspension point: one await in 65 that could
/// complete at once is one too, so this is no way to look without waiting. timeout_at() takes an
/// instant of Loop::now(); timeout(deadline, what) a Deadline that can be moved.
///
/// Errors:       TimeoutError; what `what` throws; std::bad_alloc if the timer heap cannot grow.
/// Cancellation: safe; a cancel from outside wins over the deadline: Cancelled is thrown, not
///               TimeoutError. Nested timeouts each see only their own deadline.
/// Complexity:   O(log timers), no allocation of its own.
/// Threads:      loop-affine.
/// Lifetime:     awaited in the expression that calls it: all but a Task is kept by reference.
/// Example:      examples/timeout.cc
template <class Rep, class Period, class What>
[[nodiscard]] TimeoutOf<What> timeout(std::chrono::duration<Rep, Period> duration, What&& what) {
  const TimePoint when = after(Loop::current().now(), to_nanoseconds(duration));
  return TimeoutOf<What>(when, std::forward<What>(what));
}
template <class What>
[[nodiscard]] TimeoutOf<What> timeout_at(TimePoint when, What&& what) {
  return TimeoutOf<What>(when, std::forward<What>(what));
}
template <class What>
[[nodiscard]] TimeoutOf<What> timeout(Deadline& deadline, What&& what) {
  return TimeoutOf<What>(deadline, std::forward<What>(what));
}

}  // namespace brigade
