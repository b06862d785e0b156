#pragma once

#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <variant>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/task.h"
#include "brigade/runtime/task_ref.h"

namespace brigade {

[[noreturn]] void throw_cannot_await(const TaskContext& target);

/// Throws std::logic_error if the running task could wait for `target` only in vain: itself, or a
/// task of another loop.
inline void check_can_await(const TaskContext& target) {
  if (&target == current_context || &target.scheduler() != &current_context->scheduler())
    throw_cannot_await(target);
}

/// Parks until a task has ended, whatever its outcome. Cancelling the waiter leaves the task alone.
class WaitDone : public Waiter, public Joiner {
 public:
  explicit WaitDone(const TaskRef& target) noexcept
      : Waiter(kKind), Joiner(&task_done), target_(target) {}

  bool await_ready() const noexcept { return target_.done() && within_budget(); }
  bool await_suspend(std::coroutine_handle<> coroutine);
  void await_resume() { throw_if_cancelled(); }

 protected:
  const TaskRef& target() const noexcept { return target_; }

 private:
  static void task_done(Joiner& joiner) noexcept;
  static void cancel(Waiter& waiter) noexcept;
  static std::string describe(const Waiter& waiter);
  static constexpr Kind kKind{"the end of a task", &cancel, &describe};

  const TaskRef target_;
};

/// Parks until the task has ended; throws nothing but Cancelled, for the waiter's own cancel.
inline WaitDone wait_done(const TaskRef& task) noexcept { return WaitDone(task); }

/// The context of a task that returns T, with room for its result.
template <class T>
class TypedContext final : public TaskContext {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  static TypedContext& create(Scheduler& scheduler, Task<T>& task, std::string& name,
                              const std::source_location& where) {
    std::unique_ptr<const std::string> own_name;
    if (!name.empty()) own_name = std::make_unique<const std::string>(std::move(name));
    void* memory = FramePool::allocate(sizeof(TypedContext));
    return *new (memory) TypedContext(scheduler, task.release(), std::move(own_name), where);
  }

  /// The value; throws what the task threw, and Cancelled if it was cancelled.
  Value& value() {
    mark_retrieved();
    if (error()) std::rethrow_exception(error());
    if (status() == TaskStatus::kCancelled) throw Cancelled();
    return *value_;
  }

 private:
  using Root = typename Task<T>::Handle;

  TypedContext(Scheduler& scheduler, Root root, std::unique_ptr<const std::string> name,
               const std::source_location& where) noexcept
      : TaskContext(scheduler, kType, std::move(name), where, root) {
    root.promise().set_context(*this);
  }

  static void finish(TaskContext& context) noexcept {
    auto& self = static_cast<TypedContext&>(context);
    const Root root = Root::from_address(self.root().address());
    if (!root.done()) {
      self.set_outcome(TaskStatus::kCancelled);
    } else {
      try {
        if constexpr (std::is_void_v<T>) {
          root.promise().take();
          self.value_.emplace();
        } else {
          self.value_.emplace(root.promise().take());
        }
        self.set_outcome(TaskStatus::kFinished);
      } catch (const Cancelled&) {
        self.set_outcome(TaskStatus::kCancelled);
      } catch (...) {
        self.set_error(std::current_exception());
      }
    }
    root.destroy();
  }

  static void destroy(TaskContext& context) noexcept {
    auto& self = static_cast<TypedContext&>(context);
    self.~TypedContext();
    FramePool::deallocate(&self, sizeof(TypedContext));
  }

  static std::string describe(const TaskContext& context) {
    if constexpr (std::is_void_v<T>)
      return "None";
    else
      return repr(*static_cast<const TypedContext&>(context).value_);
  }

  static constexpr Type kType{&finish, &destroy, &describe};

  std::optional<Value> value_;
};

/// A spawned task. `co_await handle` parks until it has ended, then returns its value by reference,
/// or throws what it threw, or Cancelled if it was cancelled; `co_await std::move(handle)` returns
/// the value itself. A task that failed and whose outcome nobody looked at is reported once, when
/// its last handle is gone.
///
/// Errors:       std::logic_error if a task awaits itself or a task of another loop.
/// Cancellation: cancelling the waiter leaves the awaited task running, as asyncio's shield() does.
/// Complexity:   O(1), no allocation.
/// Threads:      loop-affine.
/// Lifetime:     must not outlive the loop.
/// Example:      examples/event_loop.cc
template <class T>
class TaskHandle : public TaskRef {
 public:
  explicit TaskHandle(TypedContext<T>& context) noexcept : TaskRef(context) {}

  /// The value of a task that has ended; throws as awaiting it would.
  decltype(auto) result() const {
    check(done(), "result() of a task that has not ended");
    if constexpr (std::is_void_v<T>)
      typed().value();
    else
      return (typed().value());
  }

  template <class Result>
  class Join : public WaitDone {
   public:
    explicit Join(const TaskHandle& target) noexcept : WaitDone(target) {}
    Result await_resume() {
      WaitDone::await_resume();
      if constexpr (std::is_void_v<T>)
        typed().value();
      else
        return static_cast<Result>(std::forward<Result>(typed().value()));
    }

   private:
    TypedContext<T>& typed() const noexcept {
      return static_cast<TypedContext<T>&>(target().context());
    }
  };
  auto operator co_await() const& noexcept { return Join<std::add_lvalue_reference_t<T>>(*this); }
  auto operator co_await() && noexcept { return Join<T>(*this); }

 private:
  TypedContext<T>& typed() const noexcept { return static_cast<TypedContext<T>&>(context()); }
};

}  // namespace brigade
