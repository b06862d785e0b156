#include "brigade/sync/condition.h"

#include <ostream>

namespace brigade {

struct Condition::State {
  explicit State(std::string name) noexcept : label("a Condition", std::move(name)) {}

  void end_waits(std::size_t count, Wait::Ended ended) noexcept;

  const Label label;
  WaitQueue waiters{label};
  bool destroyed = false;
};

void Condition::State::end_waits(std::size_t count, Wait::Ended ended) noexcept {
  for (; count > 0 && !waiters.empty(); --count)
    static_cast<Wait&>(waiters.pop_front()).take_lock_again(ended);
}

Condition::Condition(std::string name) : state_(std::make_shared<State>(std::move(name))) {}

Condition::~Condition() {
  state_->destroyed = true;
  state_->end_waits(waiting(), Wait::Ended::kDestroyed);
}

void Condition::notify(std::size_t count) noexcept {
  state_->end_waits(count, Wait::Ended::kNotified);
}

std::size_t Condition::waiting() const noexcept { return state_->waiters.size(); }

std::string Condition::to_string() const { return state_->label.print("", waiting()); }

Condition::Wait::Wait(std::shared_ptr<State> condition, Lock::Guard& guard) noexcept
    : Acquire(kKind, guard.held(), guard.count_), condition_(std::move(condition)), guard_(guard) {}

bool Condition::Wait::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  guard_.state_ = nullptr;  // Its reference is ours until await_resume().
  condition_->waiters.push_back(*this);
  state_.grant(count_);
  if (condition_->destroyed) condition_->end_waits(1, Ended::kDestroyed);
  return true;
}

void Condition::Wait::take_lock_again(Ended ended) noexcept {
  ended_ = ended;
  state_.wait(*this);
}

void Condition::Wait::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<Wait&>(waiter);
  if (self.queue() == &self.condition_->waiters) {
    self.condition_->waiters.remove(self);
    self.take_lock_again(Ended::kCancelled);
  } else if (std::exchange(self.ended_, Ended::kCancelled) == Ended::kNotified) {
    self.condition_->end_waits(1, Ended::kNotified);
  }
}

void Condition::Wait::await_resume() {
  throw_if_cancelled();  // Before it waited: the guard still holds the lock.
  const bool has_lock = !abandoned();
  if (has_lock) guard_ = Lock::Guard(state_, count_);
  state_.drop_reference();
  throw_unless_granted();
  if (ended_ == Ended::kDestroyed) throw_destroyed(condition_->label.type());
  // One that was taken back since then leaves a wait without a reason, which callers must expect.
  if (ended_ == Ended::kCancelled) throw_if_cancel_due();
}

std::ostream& operator<<(std::ostream& out, const Condition& condition) {
  return out << condition.to_string();
}

}  // namespace brigade
