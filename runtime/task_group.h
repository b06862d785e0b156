#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "brigade/runtime/error_group.h"
#include "brigade/runtime/scoped_cancel.h"
#include "brigade/runtime/spawn.h"

namespace brigade {

/// The tasks of one task_group(): none outlives it, and an error of one ends them all.
///
/// Errors:       spawn() throws std::bad_alloc, and std::logic_error when the group has been
///               cancelled or a task has failed; then `task` is destroyed unstarted.
/// Cancellation: not a suspension point. But a caller whom the end of the group has cancelled, and
///               who was not told yet, is told by spawn(): Cancelled is thrown.
/// Complexity:   spawn() O(1), a task and a block of 64 bytes from the pool; cancel() O(tasks).
/// Threads:      loop-affine.
/// Lifetime:     until task_group() has ended: its tasks may refer to it, nobody else may.
/// Example:      examples/task_group.cc
class TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// As brigade::spawn(); but the group waits for the task, and throws its error.
  template <class T>
  TaskHandle<T> spawn(Task<T> task, std::string name = {},
                      const std::source_location& where = std::source_location::current()) {
    check_open();
    auto child = std::make_unique<Child>(*this);
    TaskHandle<T> handle = brigade::spawn(std::move(task), std::move(name), where);
    adopt(std::move(child), handle.context());
    return handle;
  }

  /// Ends the group early, without an error: cancels its tasks and its body. Idempotent.
  void cancel() noexcept;

 private:
  // A task of the group, or its body, in one of the two lists below.
  struct Child : Joiner, ListNode<Child> {
    explicit Child(TaskGroup& of) noexcept : Joiner(&child_done), group(of) {}
    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* child, std::size_t size) noexcept {
      FramePool::deallocate(child, size);
    }

    TaskGroup& group;
    TaskContext* task = nullptr;  // Null in the body's. A failed one holds a reference.
  };

  // Parks until no task is left. A cancel meanwhile cancels them.
  class End : public Waiter {
   public:
    explicit End(TaskGroup& group) noexcept : Waiter(kKind), group_(group) {}
    bool await_ready() const noexcept { return group_.children_.empty(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    void await_resume();  // Throws the errors, or else the cancel that came from outside.

   private:
    friend class TaskGroup;
    static void cancel(Waiter& waiter) noexcept;
    static constexpr Kind kKind{"the tasks of its group", &cancel, nullptr, true};

    TaskGroup& group_;
    bool cancel_seen_ = false;
  };

  template <class Body, class... Args>
  friend std::invoke_result_t<Body&, Args..., TaskGroup&> task_group(Body body, Args... args);

  TaskGroup() noexcept : body_(*this) { scope_.enter(); }
  ~TaskGroup();

  void check_open() const;
  void adopt(std::unique_ptr<Child> child, TaskContext& task) noexcept;
  void body_ended(bool by_cancel) noexcept;
  void body_failed(std::exception_ptr error) noexcept;
  void throw_errors();
  [[noreturn]] void throw_cancelled();
  static void child_done(Joiner& joiner) noexcept;

  ScopedCancel scope_;
  IntrusiveList<Child> children_;  // that have not ended
  IntrusiveList<Child> failed_;    // in the order of their errors
  Child body_;
  std::exception_ptr body_error_;
  End* waiting_ = nullptr;
  bool body_runs_ = true;
  bool cancelled_ = false;        // The tasks were cancelled, and the body if it ran.
  bool outer_cancelled_ = false;  // The body was told of a cancel that is not ours.
};

/// Runs `body(args..., group)`, a coroutine that spawns tasks into the group, in the calling task;
/// waits until it and they have ended, and returns what it returned. An error of the body or of one
/// task cancels all the others. A single error is thrown as it is, so that it can be caught by its
/// type, at any depth of groups: C++ has no `except*` that would look into a wrapper. If others
/// fail too while they are cancelled, an ErrorGroup holds all. A task that ends by Cancelled is no
/// error. `args` are copied or moved, as by std::thread: pass what is shared by std::ref.
///
/// Errors:       the single error, or ErrorGroup. Cancelled if the body was cut short by
///               TaskGroup::cancel() and has no value to return; without a value that is no error.
/// Cancellation: cancels the body and the tasks, and throws Cancelled when they have ended.
///               If some failed, the errors win, and the cancel is due at the next suspension.
/// Complexity:   one coroutine, and what TaskGroup::spawn() costs.
/// Threads:      loop-affine.
/// Lifetime:     keeps `body`, with what it has captured, until all has ended. The body's own
///               variables end with the body, before the tasks: these refer to the caller's.
/// Example:      examples/task_group.cc
template <class Body, class... Args>
std::invoke_result_t<Body&, Args..., TaskGroup&> task_group(Body body, Args... args) {
  using Result = std::invoke_result_t<Body&, Args..., TaskGroup&>;
  using T = decltype(std::declval<Result&>().take());
  TaskGroup group;
  std::optional<typename TypedContext<T>::Value> value;
  try {
    Result running = std::invoke(body, std::move(args)..., group);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(running);
    } else {
      T result = co_await std::move(running);
      value.emplace(std::move(result));
    }
    group.body_ended(false);
  } catch (const Cancelled&) {
    group.body_ended(true);
  } catch (...) {
    group.body_failed(std::current_exception());
  }
  co_await TaskGroup::End(group);
  if constexpr (!std::is_void_v<T>) {
    if (!value) group.throw_cancelled();
    co_return std::move(*value);
  }
}

}  // namespace brigade
