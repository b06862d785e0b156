#include "brigade/runtime/scheduler.h"

#include <cstdio>
#include <new>

#include "brigade/runtime/task_ref.h"

namespace brigade {
namespace {

constexpr std::size_t kDescribedTasks = 20;

}  // namespace

void Scheduler::adopt(TaskContext& context) noexcept {
  tasks_.push_back(context);
  ++task_count_;
  if (context.name_.empty()) context.number_ = ++unnamed_tasks_;
  make_ready(context);
}

void Scheduler::run_ready(int steps) noexcept {
  while (steps-- > 0 && any_ready() && !stopped_) pop_ready().step();
}

void Scheduler::run_ready_once() noexcept {
  const TaskContext* const last = any_ready() ? last_ready_ : nullptr;
  for (const TaskContext* stepped = nullptr; stepped != last;) {
    TaskContext& context = pop_ready();
    stepped = &context;
    context.step();
  }
}

void Scheduler::cancel_all() noexcept {
  tasks_.for_each([](TaskContext& context) { context.cancel(); });
}

void Scheduler::task_ended(TaskContext& context) noexcept {
  context.unlink();
  --task_count_;
  if (&context == until_ || (until_idle_ && task_count_ == 0)) stopped_ = true;
  if (on_task_end_) on_task_end_(TaskRef(context));
}

void Scheduler::report_unhandled(TaskContext& context) noexcept {
  const TaskRef task(context);
  if (on_unhandled_error_) return on_unhandled_error_(task);
  try {
    std::fprintf(stderr, "brigade: nobody awaited %s\n", task.to_string().c_str());
  } catch (const std::bad_alloc&) {
    std::fputs("brigade: nobody awaited a task that failed (no memory to name it)\n", stderr);
  }
}

std::string Scheduler::describe_tasks() const {
  if (task_count_ == 0) return "none is left";
  std::string text;
  std::size_t described = 0;
  tasks_.for_each([&](const TaskContext& context) {
    if (++described > kDescribedTasks) return;
    text += (described == 1 ? "'" : ", '") + context.name() + "'";
    const std::string reason = context.waits_for();
    if (!reason.empty()) text += " (waits for " + reason + ")";
  });
  if (described > kDescribedTasks)
    text += ", and " + std::to_string(described - kDescribedTasks) + " more";
  return text;
}

}  // namespace brigade
