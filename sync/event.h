#pragma once

#include <coroutine>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <utility>

#include "brigade/sync/wait_queue.h"

namespace brigade {

/// A flag that tasks wait for: set() lets all of them go, and whoever comes until clear() does not
/// wait at all.
///
/// Errors:       waiting when the event is destroyed throws std::logic_error.
/// Cancellation: safe; a cancelled wait() leaves the queue. One that set() has ended returns, even
///               if the event is cleared before the task runs.
/// Complexity:   every member O(1) but set(), O(waiters); wait() allocates nothing.
/// Threads:      loop-affine.
/// Lifetime:     may be destroyed while tasks wait.
/// Example:      examples/event.cc
class Event {
 public:
  Event() : Event(std::string()) {}
  explicit Event(std::string name) noexcept : label_("an Event", std::move(name)) {}

  /// Wakes all who wait, in FIFO order; they run in a later turn, never inside.
  void set() noexcept;
  void clear() noexcept { set_ = false; }
  bool is_set() const noexcept { return set_; }

  class Wait : public WaitQueue::Member {
   public:
    bool await_ready() const noexcept { return event_.set_ && within_budget(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    void await_resume() { throw_unless_granted(); }

   private:
    friend class Event;
    explicit Wait(Event& event) noexcept : Member(kKind), event_(event) {}
    static constexpr Kind kKind{"an Event", &cancel, &describe};

    Event& event_;
  };

  /// `co_await event.wait();`
  [[nodiscard]] Wait wait() noexcept { return Wait(*this); }

  std::size_t waiting() const noexcept { return waiters_.size(); }

  /// <Event "open" set>, <Event "open" not set, 2 waiting>
  std::string to_string() const { return label_.print(set_ ? "set" : "not set", waiting()); }

 private:
  const Label label_;
  WaitQueue waiters_{label_};
  bool set_ = false;
};

std::ostream& operator<<(std::ostream& out, const Event& event);

}  // namespace brigade
