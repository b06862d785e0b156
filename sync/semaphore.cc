#include "brigade/sync/semaphore.h"

#include <stdexcept>

namespace brigade {

Semaphore::Semaphore(std::size_t permits, const Waiter::Kind& kind) : state_(nullptr) {
  if (permits == 0) throw std::invalid_argument("Semaphore of 0 permits: at least 1 is needed");
  state_ = new State{.available = permits, .kind = kind};
}

Semaphore::~Semaphore() {
  while (!state_->waiters.empty()) {
    auto& waiter = static_cast<Acquire&>(state_->waiters.pop_front());
    waiter.destroyed_ = true;
    waiter.wake();
  }
  state_->drop_reference();
}

void Semaphore::State::release() noexcept {
  if (waiters.empty()) {
    ++available;
    drop_reference();
  } else {
    waiters.pop_front().wake();  // The permit changes hands, with its reference.
  }
}

void Semaphore::Permit::release() noexcept {
  check(state_ != nullptr, "a permit was released twice, or after it was moved from");
  std::exchange(state_, nullptr)->release();
}

bool Semaphore::Acquire::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  if (state_.take())
    wake();
  else
    state_.waiters.push_back(*this);
  return true;
}

Semaphore::Permit Semaphore::Acquire::await_resume() {
  throw_if_cancelled();
  if (destroyed_) throw std::logic_error("the lock or semaphore was destroyed while waited for");
  return Permit(state_);
}

}  // namespace brigade
