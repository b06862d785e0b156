#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "brigade/runtime/loop.h"

namespace brigade {

/// Tasks in the order in which they end. The part of AsCompleted that does not depend on results.
class EndOrder : private Timer {
 public:
  bool empty() const noexcept { return left_ == 0; }

 protected:
  EndOrder(std::size_t size, std::optional<Nanoseconds> limit);
  ~EndOrder();

  void add(const TaskRef& task);

  /// Parks until a task has ended that was not given out yet; resumes with its place.
  class Place : public Waiter {
   public:
    explicit Place(EndOrder& order) noexcept : Waiter(kKind), order_(order) {}
    bool await_ready() const noexcept;
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    std::size_t await_resume();

   private:
    static void cancel(Waiter& waiter) noexcept;
    static constexpr Kind kKind{"the end of one of several tasks", &cancel};

    EndOrder& order_;
  };

 private:
  struct Member : Joiner {
    Member() noexcept : Joiner(&task_done) {}
    EndOrder* order = nullptr;
  };
  static void task_done(Joiner& joiner) noexcept;
  static void fire(Timer& timer) noexcept;

  bool at_once() const noexcept { return !ended_.empty() || expired_; }
  void wake() noexcept;

  Loop& loop_;
  const std::unique_ptr<Member[]> members_;
  std::size_t size_ = 0;
  std::size_t left_ = 0;         // that were not given out
  IntrusiveList<Joiner> ended_;  // of those, in the order in which they ended
  Place* waiting_ = nullptr;
  bool taken_ = false;  // Somebody awaits next(), or has been woken by it.
  bool expired_ = false;
};

/// What as_completed() returns.
template <std::derived_from<TaskRef> Handle>
class AsCompleted : public EndOrder {
 public:
  AsCompleted(std::vector<Handle> handles, std::optional<Nanoseconds> limit)
      : EndOrder(handles.size(), limit), handles_(std::move(handles)) {
    for (const Handle& handle : handles_) add(handle);
  }

  class Next : public Place {
   public:
    explicit Next(AsCompleted& all) noexcept : Place(all), all_(all) {}
    Handle await_resume() { return std::move(all_.handles_[Place::await_resume()]); }

   private:
    AsCompleted& all_;
  };

  /// `Handle done = co_await all.next();`: the handle of the next task that ends, or has ended.
  [[nodiscard]] Next next() noexcept { return Next(*this); }

 private:
  std::vector<Handle> handles_;
};

/// Gives out each of `handles` once, in the order in which the tasks end, whatever their outcome:
/// `auto all = as_completed(handles); while (!all.empty()) ... co_await all.next() ...`. Cancels
/// nothing.
///
/// Errors:       next() throws TimeoutError when `limit` has passed since as_completed() and those
///               that had ended by then are given out. std::logic_error if a handle is that of the
///               running task itself, or of another loop. next() when empty(), or by two tasks at a
///               time, and destroying it meanwhile, is a broken check.
/// Cancellation: safe; a cancelled next() takes no handle, and the tasks go on.
/// Complexity:   as_completed() O(handles), two allocations; next() O(1), none.
/// Threads:      loop-affine.
/// Lifetime:     holds the handles that were not given out.
/// Example:      examples/as_completed.cc
template <std::derived_from<TaskRef> Handle>
[[nodiscard]] AsCompleted<Handle> as_completed(std::vector<Handle> handles,
                                               std::optional<Nanoseconds> limit = std::nullopt) {
  return AsCompleted<Handle>(std::move(handles), limit);
}

}  // namespace brigade
