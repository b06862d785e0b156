#include "brigade/runtime/context.h"

#include "brigade/runtime/scheduler.h"

namespace brigade {

bool TaskContext::cancel() noexcept {
  scheduler_.check_thread();
  if (done()) return false;
  ++cancel_requests_;
  if (std::exchange(cancel_due_, true)) return true;
  if (awaiting_ == nullptr) return true;
  if (awaiting_->kind_.cancels_tasks)
    scheduler_.cancel_below(*awaiting_);
  else
    awaiting_->kind_.cancel(*awaiting_);
  return true;
}

std::string TaskContext::waits_for() const {
  if (awaiting_ == nullptr) return {};
  const Waiter::Kind& kind = awaiting_->kind_;
  return kind.describe != nullptr ? kind.describe(*awaiting_) : kind.name;
}

void TaskContext::start_later(std::coroutine_handle<> coroutine, Callee& callee) noexcept {
  resume_ = coroutine;
  unstarted_ = &callee;
  scheduler_.make_ready(*this);
}

void TaskContext::step() noexcept {
  if (status_ == TaskStatus::kNew && cancel_due_) return finish();
  status_ = TaskStatus::kRunning;
  budget_ = kBudget;
  current_context = this;
  next_ = resume_;
  if (unstarted_ != nullptr) {
    if (std::exchange(cancel_due_, false)) next_ = unstarted_->refuse();
    unstarted_ = nullptr;
  }
  while (next_) std::exchange(next_, nullptr).resume();
  since_ = scheduler_.turn_time_;
  if (root_.done()) finish();
  current_context = nullptr;
}

void TaskContext::finish() noexcept {
  type_.finish(*this);
  scheduler_.task_ended(*this);
  while (!joiners_.empty()) {
    Joiner& joiner = joiners_.pop_front();
    joiner.task_done_(joiner);
  }
  drop_reference();
}

void TaskContext::release() noexcept {
  if (status_ == TaskStatus::kError && !std::exchange(retrieved_, true)) {
    scheduler_.report_unhandled(*this);  // Its TaskRef leads here again, with nothing to report.
    return;
  }
  type_.destroy(*this);
}

}  // namespace brigade
