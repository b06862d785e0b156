#include "brigade/runtime/scheduler.h"

#include <cstdio>
#include <new>

#include "brigade/runtime/task_ref.h"
#include "brigade/runtime/task_tree.h"

namespace brigade {

void Scheduler::adopt(TaskContext& context) noexcept {
  tasks_.push_back(context);
  ++task_count_;
  if (!context.name_) context.number_ = ++unnamed_tasks_;
  context.since_ = turn_time_;
  if (current_context != nullptr) context.locals_ = current_context->locals_;
  make_ready(context);
}

void Scheduler::run_ready(int steps) noexcept {
  while (steps-- > 0 && any_ready() && !stopped_) step(pop_ready());
}

void Scheduler::run_ready_once() noexcept {
  for (std::size_t left = ready_count(); left > 0; --left) step(pop_ready());
}

std::size_t Scheduler::ready_count() const noexcept {
  std::size_t count = 0;
  for (const TaskContext* context = first_ready_; context != nullptr;
       context = context->next_ready_)
    ++count;
  return count;
}

void Scheduler::bring_forward() noexcept {
  const std::size_t count = ready_count();
  const std::size_t place = options_.pick_ready(count);
  check(place < count, "pick_ready picked a task that is not there");
  if (place == 0) return;
  TaskContext* before = first_ready_;
  for (std::size_t i = 1; i < place; ++i) before = before->next_ready_;
  TaskContext& picked = *before->next_ready_;
  before->next_ready_ = picked.next_ready_;
  if (&picked == last_ready_) last_ready_ = before;
  picked.next_ready_ = std::exchange(first_ready_, &picked);
}

void Scheduler::step_timed(TaskContext& context) noexcept {
  const TaskRef task(context);
  const TimePoint start = std::chrono::steady_clock::now();
  context.step();
  const Nanoseconds held = std::chrono::steady_clock::now() - start;
  if (held <= options_.stall_limit) return;
  if (options_.on_stall) return options_.on_stall(task, held);
  try {
    std::fprintf(stderr, "brigade: '%s', spawned at %s, held the loop for %g s\n",
                 task.name().c_str(), to_string(context.where()).c_str(),
                 std::chrono::duration<double>(held).count());
  } catch (const std::bad_alloc&) {
    std::fputs("brigade: a task held the loop (no memory to name it)\n", stderr);
  }
}

void Scheduler::cancel_below(Waiter& waiter) noexcept {
  to_cancel_.push_back(waiter);
  if (std::exchange(cancelling_, true)) return;
  while (!to_cancel_.empty()) {
    Waiter& next = to_cancel_.pop_front();
    next.kind_.cancel(next);
  }
  cancelling_ = false;
}

void Scheduler::cancel_all() noexcept {
  tasks_.for_each([](TaskContext& context) { context.cancel(); });
}

void Scheduler::task_ended(TaskContext& context) noexcept {
  context.unlink();
  --task_count_;
  if (&context == until_ || (until_idle_ && task_count_ == 0)) stopped_ = true;
  if (options_.on_task_end) options_.on_task_end(TaskRef(context));
}

void Scheduler::report_unhandled(TaskContext& context) noexcept {
  const TaskRef task(context);
  if (options_.on_unhandled_error) return options_.on_unhandled_error(task);
  try {
    std::fprintf(stderr, "brigade: nobody awaited %s\n", task.to_string().c_str());
  } catch (const std::bad_alloc&) {
    std::fputs("brigade: nobody awaited a task that failed (no memory to name it)\n", stderr);
  }
}

}  // namespace brigade
