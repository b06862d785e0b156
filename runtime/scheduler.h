#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "brigade/runtime/check.h"
#include "brigade/runtime/clock.h"
#include "brigade/runtime/context.h"
#include "brigade/runtime/loop_options.h"

namespace brigade {

/// What a loop knows of its tasks: those that are ready, in the order they became so, and all that
/// have not ended. The base of Loop.
///
/// Errors:     none.
/// Complexity: every member O(1) but the ones that visit all tasks.
/// Threads:    loop-affine.
/// Lifetime:   outlives its tasks.
class Scheduler {
 public:
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Puts a task behind those that can run. It must not stand there already.
  void make_ready(TaskContext& context) noexcept {
    context.next_ready_ = nullptr;
    (first_ready_ == nullptr ? first_ready_ : last_ready_->next_ready_) = &context;
    last_ready_ = &context;
  }

 protected:
  explicit Scheduler(LoopOptions options) noexcept : options_(std::move(options)) {}
  ~Scheduler() = default;

  bool any_ready() const noexcept { return first_ready_ != nullptr; }
  std::size_t task_count() const noexcept { return task_count_; }

  /// A loop belongs to the thread that first spawns in it or runs it.
  void take_thread() noexcept {
    if (thread_ == nullptr) thread_ = &current_context;
    check_thread();
  }
  void check_thread() const noexcept {
    check(thread_ == nullptr || thread_ == &current_context,
          "a loop is used on another thread than its own: only post() may be");
  }

  void adopt(TaskContext& context) noexcept;
  void run_ready(int steps) noexcept;
  void run_ready_once() noexcept;  // each task that is ready now
  void cancel_all() noexcept;
  const IntrusiveList<TaskContext>& all_tasks() const noexcept { return tasks_; }

  const LoopOptions options_;
  TimePoint turn_time_{};               // When the turn began.
  const TaskContext* until_ = nullptr;  // Its end stops the run that is active,
  bool until_idle_ = false;             // or that of the last task does.
  bool stopped_ = false;

 private:
  friend class TaskContext;

  void cancel_below(Waiter& waiter) noexcept;  // at once, or when the ones before it are done

  TaskContext& pop_ready() noexcept {
    if (options_.pick_ready) bring_forward();
    TaskContext& context = *first_ready_;
    first_ready_ = context.next_ready_;
    return context;
  }
  std::size_t ready_count() const noexcept;
  void bring_forward() noexcept;  // what pick_ready picks
  void step(TaskContext& context) noexcept {
    if (options_.stall_limit > Nanoseconds::zero())
      step_timed(context);
    else
      context.step();
  }
  void step_timed(TaskContext& context) noexcept;
  void task_ended(TaskContext& context) noexcept;
  void report_unhandled(TaskContext& context) noexcept;

  const void* thread_ = nullptr;  // The address of something that each thread has its own of.
  TaskContext* first_ready_ = nullptr;
  TaskContext* last_ready_ = nullptr;
  IntrusiveList<TaskContext> tasks_;  // spawned and not ended, in that order
  IntrusiveList<Waiter> to_cancel_;   // Those of cancel_below().
  bool cancelling_ = false;
  std::size_t task_count_ = 0;
  unsigned unnamed_tasks_ = 0;
};

inline void Waiter::wake() noexcept {
  context_->awaiting_ = nullptr;
  context_->scheduler_.make_ready(*context_);
}

inline void Waiter::wake_cancelled() noexcept {
  cancelled_ = true;
  wake();
}

inline void Waiter::unlink_and_wake(Waiter& waiter) noexcept {
  waiter.unlink();
  waiter.wake_cancelled();
}

}  // namespace brigade
