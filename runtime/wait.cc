#include "brigade/runtime/wait.h"

#include <algorithm>

namespace brigade {

WaitSet::WaitSet(std::span<const TaskRef> tasks, WaitMode mode, std::optional<Nanoseconds> limit)
    : Waiter(kKind),
      Timer(&fire),
      mode_(mode),
      limit_(limit),
      members_(std::make_unique<Member[]>(tasks.size())),
      size_(tasks.size()),
      pending_(tasks.size()) {
  for (std::size_t i = 0; i < size_; ++i) {
    members_[i].set = this;
    members_[i].task = &tasks[i].context();
    if (tasks[i].done()) count(tasks[i].context());
  }
  satisfied_ = satisfied_ || pending_ == 0;
}

WaitSet::~WaitSet() { leave(); }

void WaitSet::count(const TaskContext& task) noexcept {
  --pending_;
  const bool failed = task.status() == TaskStatus::kError;
  if (pending_ == 0 || mode_ == WaitMode::kFirstCompleted ||
      (mode_ == WaitMode::kFirstException && failed))
    satisfied_ = true;
}

bool WaitSet::await_suspend(std::coroutine_handle<> coroutine) {
  for (std::size_t i = 0; i < size_; ++i)
    if (!members_[i].task->done()) check_can_await(*members_[i].task);
  Loop& loop = Loop::current();
  if (at_once()) {
    if (!park(coroutine)) return false;
    wake();
    return true;
  }
  if (limit_) loop.arm(*this, after(loop.now(), *limit_));
  if (!park(coroutine)) {
    loop.disarm(*this);
    return false;
  }
  for (std::size_t i = 0; i < size_; ++i)
    if (!members_[i].task->done()) members_[i].task->add_joiner(members_[i], current_context);
  return true;
}

void WaitSet::leave() noexcept {
  if (armed()) loop_of(context()).disarm(*this);
  for (std::size_t i = 0; i < size_; ++i) members_[i].unlink();
}

void WaitSet::task_done(Joiner& joiner) noexcept {
  auto& member = static_cast<Member&>(joiner);
  WaitSet& self = *member.set;
  self.count(*member.task);
  if (!self.satisfied_) return;
  self.leave();
  self.wake();
}

void WaitSet::fire(Timer& timer) noexcept {
  auto& self = static_cast<WaitSet&>(timer);
  self.leave();
  self.wake();
}

void WaitSet::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<WaitSet&>(waiter);
  self.leave();
  self.wake_cancelled();
}

std::vector<bool> repetitions(std::span<const TaskRef> tasks) {
  std::vector<std::pair<const TaskContext*, std::size_t>> sorted;
  sorted.reserve(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) sorted.emplace_back(&tasks[i].context(), i);
  std::sort(sorted.begin(), sorted.end());
  std::vector<bool> repeated(tasks.size());
  for (std::size_t i = 1; i < sorted.size(); ++i)
    repeated[sorted[i].second] = sorted[i].first == sorted[i - 1].first;
  return repeated;
}

}  // namespace brigade
