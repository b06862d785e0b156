#include "brigade/runtime/as_completed.h"

namespace brigade {

EndOrder::EndOrder(std::size_t size, std::optional<Nanoseconds> limit)
    : Timer(&fire), loop_(Loop::current()), members_(std::make_unique<Member[]>(size)) {
  if (!limit) return;
  expired_ = *limit <= Nanoseconds::zero();
  if (!expired_) loop_.arm(*this, after(loop_.now(), *limit));
}

EndOrder::~EndOrder() {
  check(!taken_, "as_completed() was destroyed while a task awaits next()");
  loop_.disarm(*this);
  for (std::size_t i = 0; i < size_; ++i) members_[i].unlink();
}

void EndOrder::add(const TaskRef& task) {
  if (!task.done()) check_can_await(task.context());
  Member& member = members_[size_++];
  member.order = this;
  ++left_;
  if (task.done())
    ended_.push_back(member);
  else
    task.context().add_joiner(member);
}

void EndOrder::task_done(Joiner& joiner) noexcept {
  EndOrder& self = *static_cast<Member&>(joiner).order;
  if (self.expired_) return;
  self.ended_.push_back(joiner);
  self.wake();
}

void EndOrder::fire(Timer& timer) noexcept {
  auto& self = static_cast<EndOrder&>(timer);
  self.expired_ = true;
  self.wake();
}

void EndOrder::wake() noexcept {
  if (waiting_ != nullptr) std::exchange(waiting_, nullptr)->wake();
}

bool EndOrder::Place::await_ready() const noexcept {
  check(order_.left_ > 0, "next() when all tasks have been given out");
  check(!order_.taken_, "two tasks await next() at a time");
  return order_.at_once() && within_budget();
}

bool EndOrder::Place::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  order_.taken_ = true;
  if (order_.at_once())
    wake();
  else
    order_.waiting_ = this;
  return true;
}

std::size_t EndOrder::Place::await_resume() {
  order_.taken_ = false;
  throw_if_cancelled();
  if (order_.ended_.empty()) throw TimeoutError();
  const auto& member = static_cast<const Member&>(order_.ended_.pop_front());
  --order_.left_;
  return static_cast<std::size_t>(&member - order_.members_.get());
}

void EndOrder::Place::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<Place&>(waiter);
  self.order_.waiting_ = nullptr;
  self.wake_cancelled();
}

}  // namespace brigade
