#include "brigade/runtime/task_group.h"

#include <stdexcept>
#include <vector>

namespace brigade {

TaskGroup::~TaskGroup() {
  check(children_.empty(), "a TaskGroup was destroyed before its tasks");
  while (!failed_.empty()) {
    Child& child = failed_.pop_front();
    if (&child == &body_) continue;
    child.task->drop_reference();
    delete &child;
  }
}

void TaskGroup::check_open() const {
  if (!cancelled_) return;
  if (current_context != nullptr) current_context->throw_if_cancel_due();
  throw std::logic_error("spawn() into a group that is being cancelled");
}

void TaskGroup::adopt(std::unique_ptr<Child> child, TaskContext& task) noexcept {
  child->task = &task;
  task.add_joiner(*child, &scope_.context());
  children_.push_back(*child.release());
}

void TaskGroup::cancel() noexcept {
  if (std::exchange(cancelled_, true)) return;
  children_.for_each([](Child& child) { child.task->cancel(); });
  if (body_runs_) scope_.request();
}

void TaskGroup::body_ended(bool by_cancel) noexcept {
  body_runs_ = false;
  const bool requested = scope_.requested();
  const bool only_ours = scope_.withdraw();
  // One Cancelled tells of several requests: a body that swallowed it cannot know of the others.
  outer_cancelled_ = requested ? !only_ours && !scope_.context().cancel_due() : by_cancel;
  if (by_cancel) cancel();
}

void TaskGroup::body_failed(std::exception_ptr error) noexcept {
  body_ended(false);
  body_error_ = std::move(error);
  failed_.push_back(body_);
  cancel();
}

void TaskGroup::child_done(Joiner& joiner) noexcept {
  auto& child = static_cast<Child&>(joiner);
  TaskGroup& group = child.group;
  static_cast<ListNode<Child>&>(child).unlink();
  if (child.task->status() == TaskStatus::kError) {
    child.task->mark_retrieved();
    child.task->add_reference();
    group.failed_.push_back(child);
    group.cancel();
  } else {
    delete &child;
  }
  if (group.waiting_ == nullptr || !group.children_.empty()) return;
  End& end = *std::exchange(group.waiting_, nullptr);
  if (end.cancel_seen_)
    end.wake_cancelled();
  else
    end.wake();
}

void TaskGroup::throw_errors() {
  if (failed_.empty()) return;
  if (outer_cancelled_) scope_.rearm();
  std::vector<std::exception_ptr> errors;
  failed_.for_each([&](const Child& child) {
    errors.push_back(child.task != nullptr ? child.task->error() : body_error_);
  });
  if (errors.size() == 1) std::rethrow_exception(errors.front());
  throw ErrorGroup(std::move(errors));
}

void TaskGroup::throw_cancelled() {
  scope_.context().throw_if_cancel_due();  // One Cancelled is enough for both.
  throw Cancelled();
}

bool TaskGroup::End::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  group_.waiting_ = this;
  cancel_seen_ = park_through_cancel(coroutine);
  if (cancel_seen_) group_.cancel();
  return true;
}

void TaskGroup::End::await_resume() {
  group_.throw_errors();  // Leaves a cancel that has reached us due.
  throw_if_cancelled();
  if (group_.outer_cancelled_) group_.throw_cancelled();
}

void TaskGroup::End::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<End&>(waiter);
  self.cancel_seen_ = true;
  self.group_.cancel();
}

}  // namespace brigade
