#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "brigade/runtime/task.h"
#include "brigade/sync/lock.h"

namespace brigade {

/// Lets tasks that hold a lock wait for a change of what it protects. wait() gives the lock away
/// and has it back when it ends, however it ends. A task that is notified goes straight to the
/// queue of the lock, so it runs once, and holds the lock when it does. It may have been notified
/// for something that another task has used up since: wait with a predicate, or in a loop.
///
/// Errors:       waiting when the condition is destroyed throws std::logic_error, with the lock
///               held; so does one that wants its lock back when that is destroyed, without it. A
///               guard that holds nothing is a broken check.
/// Cancellation: safe; the lock is taken again before Cancelled is thrown. A task that is cancelled
///               after it was notified and before it has the lock passes the notify on, to the
///               oldest that waits then. One that has the lock returns.
/// Complexity:   every member O(1) but notify(), O(tasks woken). wait(guard) allocates nothing; the
///               form with a predicate is a Task.
/// Threads:      loop-affine. notify() does not need the lock.
/// Lifetime:     may be destroyed while tasks wait, the lock too. The guard must live until wait()
///               ends; meanwhile it holds nothing.
/// Example:      examples/condition.cc
class Condition {
  struct State;

 public:
  Condition() : Condition(std::string()) {}
  explicit Condition(std::string name);
  ~Condition();
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  class Wait : private Semaphore::Acquire {
   public:
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    void await_resume();

   private:
    friend class Condition;
    enum class Ended : std::uint8_t { kNotified, kCancelled, kDestroyed };

    Wait(std::shared_ptr<State> condition, Lock::Guard& guard) noexcept;
    void take_lock_again(Ended ended) noexcept;
    static void cancel(Waiter& waiter) noexcept;
    static constexpr Kind kKind{"a Condition", &cancel, &describe};

    std::shared_ptr<State> condition_;
    Lock::Guard& guard_;
    Ended ended_ = Ended::kNotified;
  };

  /// `co_await condition.wait(guard);`
  [[nodiscard]] Wait wait(Lock::Guard& guard) noexcept { return Wait(state_, guard); }

  /// Waits until `predicate()` is true, which is asked with the lock held, and at once first.
  template <std::predicate Predicate>
  Task<void> wait(Lock::Guard& guard, Predicate predicate) {
    return wait_until(state_, guard, std::move(predicate));
  }

  /// Ends the wait() of the `count` oldest, or of all if there are fewer.
  void notify(std::size_t count = 1) noexcept;
  void notify_all() noexcept { notify(std::numeric_limits<std::size_t>::max()); }

  /// Tasks that wait and are not notified.
  std::size_t waiting() const noexcept;

  /// <Condition "served", 2 waiting>
  std::string to_string() const;

 private:
  template <class Predicate>
  static Task<void> wait_until(std::shared_ptr<State> state, Lock::Guard& guard,
                               Predicate predicate) {
    while (!predicate()) co_await Wait(state, guard);
  }

  std::shared_ptr<State> state_;  // Shared with those who wait: a notify may have to be passed on.
};

std::ostream& operator<<(std::ostream& out, const Condition& condition);

}  // namespace brigade
