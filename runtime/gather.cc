#include "brigade/runtime/gather.h"

namespace brigade {

Gathering::Gathering(std::size_t size)
    : Waiter(kKind), members_(std::make_unique<Member[]>(size)) {}

Gathering::~Gathering() { leave(); }

void Gathering::add(const TaskRef& task) noexcept {
  Member& member = members_[size_++];
  member.all = this;
  member.task = task;
  task.context().mark_retrieved();
  task.context().add_joiner(member, current_context);
  ++pending_;
}

void Gathering::stop() noexcept {
  if (std::exchange(stopping_, true)) return;
  for (std::size_t i = 0; i < size_; ++i) members_[i].task->cancel();
}

void Gathering::leave() noexcept {
  for (std::size_t i = 0; i < size_; ++i) members_[i].unlink();
}

bool Gathering::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  cancel_seen_ = park_through_cancel(coroutine);
  if (cancel_seen_) stop();
  return true;
}

void Gathering::await_resume() {
  throw_if_cancelled();
  if (error_) std::rethrow_exception(error_);
  for (std::size_t i = 0; i < size_; ++i) {
    const TaskRef& task = *members_[i].task;
    if (task.status() == TaskStatus::kError) std::rethrow_exception(task.error());
    if (task.status() == TaskStatus::kCancelled) throw Cancelled();
  }
}

void Gathering::task_done(Joiner& joiner) noexcept {
  auto& member = static_cast<Member&>(joiner);
  Gathering& self = *member.all;
  const bool failed = member.task->status() != TaskStatus::kFinished;
  --self.pending_;
  if (self.pending_ > 0 && (self.stopping_ || !failed)) return;
  self.leave();
  if (self.cancel_seen_)
    self.wake_cancelled();
  else
    self.wake();
}

void Gathering::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<Gathering&>(waiter);
  self.cancel_seen_ = true;
  self.stop();
}

}  // namespace brigade
