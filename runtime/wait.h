#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "brigade/runtime/loop.h"

namespace brigade {

enum class WaitMode { kAll, kFirstCompleted, kFirstException };

template <class Handle>
struct WaitResult {
  std::vector<Handle> done;     // in the order of the argument
  std::vector<Handle> pending;  // likewise

  WaitResult() = default;
};

/// Parks until enough of several tasks have ended, or the time is up. The part of wait() that
/// does not depend on the results.
class WaitSet : public Waiter, private Timer {
 public:
  WaitSet(std::span<const TaskRef> tasks, WaitMode mode, std::optional<Nanoseconds> limit);
  ~WaitSet();

  bool await_ready() const noexcept { return at_once() && within_budget(); }
  bool await_suspend(std::coroutine_handle<> coroutine);
  void await_resume() { throw_if_cancelled(); }

 private:
  struct Member : Joiner {
    Member() noexcept : Joiner(&task_done) {}
    WaitSet* set = nullptr;
    TaskContext* task = nullptr;
  };
  static void task_done(Joiner& joiner) noexcept;
  static void fire(Timer& timer) noexcept;
  static void cancel(Waiter& waiter) noexcept;
  static constexpr Kind kKind{"the end of several tasks", &cancel};

  bool at_once() const noexcept { return satisfied_ || (limit_ && *limit_ <= limit_->zero()); }
  void count(const TaskContext& task) noexcept;
  void leave() noexcept;  // all the tasks, and the timer

  const WaitMode mode_;
  const std::optional<Nanoseconds> limit_;
  std::unique_ptr<Member[]> members_;
  const std::size_t size_;
  std::size_t pending_;
  bool satisfied_ = false;
};

/// For each of `tasks`, whether it stands further in front as well.
std::vector<bool> repetitions(std::span<const TaskRef> tasks);

/// Waits until all of `handles` have ended, or the first one has, or the first one has thrown, or
/// `limit` has passed; none of that is an error here. Returns which have ended and which have not.
/// Cancels nothing. A handle given twice comes back once.
///
/// Errors:       std::invalid_argument if `handles` is empty; std::logic_error if one is the
///               running task itself, or of another loop.
/// Cancellation: safe; the tasks waited for go on.
/// Complexity:   O(handles log handles), an allocation per vector.
/// Threads:      loop-affine.
/// Lifetime:     holds the handles.
/// Example:      examples/event_loop.cc
template <std::derived_from<TaskRef> Handle>
Task<WaitResult<Handle>> wait(std::vector<Handle> handles, WaitMode mode = WaitMode::kAll,
                              std::optional<Nanoseconds> limit = std::nullopt) {
  if (handles.empty()) throw std::invalid_argument("wait() for no task");
  const std::vector<TaskRef> tasks(handles.begin(), handles.end());
  co_await WaitSet(tasks, mode, limit);
  WaitResult<Handle> result;
  const std::vector<bool> repeated = repetitions(tasks);
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if (repeated[i]) continue;
    auto& list = tasks[i].done() ? result.done : result.pending;
    list.push_back(std::move(handles[i]));
  }
  co_return result;
}

}  // namespace brigade
