#include "brigade/runtime/gather.h"

namespace brigade {

void throw_first_failure(std::span<const TaskRef> tasks) {
  for (const TaskRef& task : tasks) {
    if (task.status() == TaskStatus::kError) std::rethrow_exception(task.error());
    if (task.status() == TaskStatus::kCancelled) throw Cancelled();
  }
}

Task<void> gather_wait(std::vector<TaskRef> tasks) {
  if (tasks.empty()) co_return;
  bool cancelled = false;
  try {
    co_await WaitSet(tasks, WaitSet::Until::kFirstFailure, std::nullopt);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  for (const TaskRef& task : tasks) task.context().mark_retrieved();
  if (cancelled) {
    for (const TaskRef& task : tasks) task.cancel();
    for (const TaskRef& task : tasks) co_await wait_done(task);  // Needs no memory.
    throw Cancelled();
  }
  throw_first_failure(tasks);
}

}  // namespace brigade
