#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/error.h"
#include "brigade/runtime/intrusive_list.h"
#include "brigade/runtime/task_locals.h"

namespace brigade {

class Scheduler;
class TaskContext;

/// As the tutorials print it. A task that waits is RUNNING too.
enum class TaskStatus : std::uint8_t { kNew, kRunning, kFinished, kError, kCancelled };

/// The context of the task that runs now on this thread; null outside of a task.
inline constinit thread_local TaskContext* current_context = nullptr;

/// The base of every awaiter that parks its task. It lives in the awaiting frame, so parking
/// allocates nothing, and stands in the list of what it waits for.
///
/// The protocol: await_suspend() calls park(); whoever grants what is awaited calls wake(), once;
/// a cancel calls Kind::cancel, which takes the waiter out of its list and calls wake_cancelled()
/// (or, for a kernel operation, asks the kernel and lets the completion decide); await_resume()
/// calls throw_if_cancelled(), and delivers what was granted otherwise. Never both.
class Waiter : public ListNode<Waiter> {
 public:
  struct Kind {
    const char* name;  // What the task waits for, in reports: "a Lock".
    void (*cancel)(Waiter&) noexcept;
    std::string (*describe)(const Waiter&) = nullptr;  // The same more exactly, if given.
    bool cancels_tasks = false;  // `cancel` cancels the tasks waited for, and they theirs, however
                                 // deep: without recursion. Such a waiter stands in no list.
  };

  explicit Waiter(const Kind& kind) noexcept : kind_(kind) {}

  /// Hands the task that waits to the ready queue; it must be parked. Never runs it.
  void wake() noexcept;

 protected:
  /// Parks the running task. False if a cancel is due: do not suspend, await_resume() will throw.
  bool park(std::coroutine_handle<> coroutine) noexcept;

  /// Parks even if a cancel is due, for a wait that hands a cancel on to others and ends by
  /// wake_cancelled() when they have. True if one is due: hand it on now.
  bool park_through_cancel(std::coroutine_handle<> coroutine) noexcept;

  /// What Kind::cancel does when leaving a list is all there is to do.
  static void unlink_and_wake(Waiter& waiter) noexcept;
  void wake_cancelled() noexcept;

  /// Delivers the cancel that ended this wait, if one did.
  void throw_if_cancelled();

  /// Delivers a cancel that is due even though the wait itself has ended: for waits whose end has
  /// no effect that could be lost.
  void throw_if_cancel_due();

  /// For await_ready() that has what is awaited at hand: whether the task may go on without a
  /// suspension. If not, await_suspend() parks, takes what is awaited and calls wake() at once.
  static bool within_budget() noexcept;

  TaskContext& context() const noexcept { return *context_; }

 private:
  friend class Scheduler;
  friend class TaskContext;

  const Kind& kind_;
  TaskContext* context_ = nullptr;
  bool cancelled_ = false;
};

/// Is told once when a task has ended.
class Joiner : public ListNode<Joiner> {
 public:
  using TaskDone = void (*)(Joiner&) noexcept;
  explicit Joiner(TaskDone task_done) noexcept : task_done_(task_done) {}

 private:
  friend class TaskContext;
  const TaskDone task_done_;
  const TaskContext* waiting_ = nullptr;  // The task that waits by it, if one does.
};

/// A coroutine that another one awaits, as far as its task must know it. The base of promises.
class Callee {
 public:
  /// Ends it by Cancelled before it has begun; returns who awaits it.
  std::coroutine_handle<> refuse() noexcept {
    refused_ = true;
    return continuation_;
  }

 protected:
  std::coroutine_handle<> continuation_;  // Null in the root of a task.
  bool refused_ = false;
};

/// A spawned task: the chain of coroutines that await each other below one root, and what the loop
/// knows of it. The loop holds one reference until the task has ended, each handle another one.
/// Only the loop destroys its frames.
class TaskContext : public ListNode<TaskContext> {
 public:
  /// What depends on the type of the task's result.
  struct Type {
    void (*finish)(TaskContext&) noexcept;  // takes the result out of the root and destroys it
    void (*destroy)(TaskContext&) noexcept;
    std::string (*describe)(const TaskContext&);  // the result, as the tutorials print it
  };

  TaskStatus status() const noexcept { return status_; }
  bool done() const noexcept { return status_ > TaskStatus::kRunning; }
  /// The name it was given, or "Task-1" and so on.
  std::string name() const { return name_ ? *name_ : "Task-" + std::to_string(number_); }
  /// Where it was spawned.
  const std::source_location& where() const noexcept { return where_; }
  /// The turn in which it last ran; before that, in which it was spawned.
  TimePoint since() const noexcept { return since_; }
  const std::exception_ptr& error() const noexcept { return error_; }
  Scheduler& scheduler() const noexcept { return scheduler_; }

  /// What the task waits for; empty if it does not.
  std::string waits_for() const;

  /// The wait of the task, if it is one of this kind; else null.
  const Waiter* waits_in(const Waiter::Kind& kind) const noexcept {
    return awaiting_ != nullptr && &awaiting_->kind_ == &kind ? awaiting_ : nullptr;
  }

  /// Asks the task to end by Cancelled. False if it had ended. A cancel that is not delivered yet
  /// stays one cancel, however often it is asked for; each request is counted.
  bool cancel() noexcept;

  /// A cancel was asked for and is not delivered yet.
  bool cancel_due() const noexcept { return cancel_due_; }

  /// Cancel requests that nobody took back; see timeout().
  unsigned cancel_requests() const noexcept { return cancel_requests_; }

  /// Takes one request back. If none above `entry_requests` is left, nothing is due any more.
  void uncancel(unsigned entry_requests) noexcept {
    if (--cancel_requests_ <= entry_requests) cancel_due_ = false;
  }

  /// Delivers a cancel that is due, where the running task does not suspend.
  void throw_if_cancel_due() {
    if (std::exchange(cancel_due_, false)) throw Cancelled();
  }

  /// Counts an await that completes without a suspension. False after kBudget of them in one step:
  /// this one should suspend, so that a task whose awaits are always ready lets the others, timers
  /// and I/O have their turn.
  bool within_budget() noexcept {
    if (budget_ == 0) return false;
    --budget_;
    return true;
  }

  /// `waiting` is the task that waits by it, for reports.
  void add_joiner(Joiner& joiner, const TaskContext* waiting = nullptr) noexcept {
    joiner.waiting_ = waiting;
    joiners_.push_back(joiner);
  }

  /// Calls `visit` for each task that waits for the end of this one.
  template <class Visit>
  void for_each_waiting(Visit visit) const {
    joiners_.for_each([&](const Joiner& joiner) {
      if (joiner.waiting_ != nullptr) visit(*joiner.waiting_);
    });
  }

  TaskLocals& locals() noexcept { return locals_; }

  /// Someone looked at the outcome: an error needs no report.
  void mark_retrieved() noexcept { retrieved_ = true; }

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) release();
  }

 protected:
  TaskContext(Scheduler& scheduler, const Type& type, std::unique_ptr<const std::string> name,
              const std::source_location& where, std::coroutine_handle<> root) noexcept
      : scheduler_(scheduler),
        type_(type),
        root_(root),
        resume_(root),
        name_(std::move(name)),
        where_(where) {}
  ~TaskContext() = default;

  void set_outcome(TaskStatus status) noexcept { status_ = status; }
  void set_error(std::exception_ptr error) noexcept {
    status_ = TaskStatus::kError;
    error_ = std::move(error);
  }
  std::coroutine_handle<> root() const noexcept { return root_; }

 private:
  friend class Scheduler;
  friend class Waiter;
  friend class TaskRef;
  friend class PromiseBase;

  static constexpr std::uint16_t kBudget = 64;

  void step() noexcept;  // the only place that resumes a task
  void start_later(std::coroutine_handle<> coroutine, Callee& callee) noexcept;
  void finish() noexcept;
  void release() noexcept;

  Scheduler& scheduler_;
  const Type& type_;
  const std::coroutine_handle<> root_;
  std::coroutine_handle<> resume_;  // The innermost suspended coroutine.
  std::coroutine_handle<> next_;    // What the trampoline resumes next.
  Callee* unstarted_ = nullptr;     // It is resume_, and has not begun: a cancel refuses it.
  Waiter* awaiting_ = nullptr;      // The innermost wait; null while READY or RUNNING.
  TaskContext* next_ready_ = nullptr;
  IntrusiveList<Joiner> joiners_;
  std::exception_ptr error_;
  const std::unique_ptr<const std::string> name_;
  const std::source_location where_;
  TimePoint since_{};
  TaskLocals locals_;
  unsigned number_ = 0;  // Among the unnamed tasks of its loop.
  unsigned references_ = 1;
  unsigned cancel_requests_ = 0;
  std::uint16_t inline_depth_ = 0;
  std::uint16_t budget_ = kBudget;  // Awaits that may still complete at once in this step.
  TaskStatus status_ = TaskStatus::kNew;
  bool cancel_due_ = false;  // Asked for, not delivered.
  bool retrieved_ = false;
};

inline bool Waiter::park(std::coroutine_handle<> coroutine) noexcept {
  TaskContext& context = *current_context;
  context_ = &context;
  cancelled_ = context.cancel_due_;
  if (cancelled_) return false;
  context.resume_ = coroutine;
  context.awaiting_ = this;
  return true;
}

inline bool Waiter::park_through_cancel(std::coroutine_handle<> coroutine) noexcept {
  context_ = current_context;
  context_->resume_ = coroutine;
  context_->awaiting_ = this;
  return context_->cancel_due_;
}

inline bool Waiter::within_budget() noexcept { return current_context->within_budget(); }

inline void Waiter::throw_if_cancelled() {
  if (!cancelled_) return;
  context_->cancel_due_ = false;
  throw Cancelled();
}

inline void Waiter::throw_if_cancel_due() {
  if (context_ != nullptr) context_->throw_if_cancel_due();
}

}  // namespace brigade
