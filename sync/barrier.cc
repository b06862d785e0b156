#include "brigade/sync/barrier.h"

#include <ostream>
#include <utility>

namespace brigade {

Barrier::Barrier(std::size_t parties, std::string name)
    : parties_(parties), label_("a Barrier", std::move(name)) {
  if (parties == 0) throw std::invalid_argument("Barrier of 0 parties: at least 1 is needed");
}

bool Barrier::Wait::arrive() noexcept {
  broken_ = barrier_.broken_;
  if (broken_) return true;
  WaitQueue& waiters = barrier_.waiters_;
  if (waiters.size() + 1 < barrier_.parties_) return false;
  for (; !waiters.empty(); ++index_) {
    auto& waiter = static_cast<Wait&>(waiters.pop_front());
    waiter.index_ = index_;
    waiter.wake();
  }
  return true;
}

bool Barrier::Wait::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  if (arrive())
    wake();
  else
    barrier_.waiters_.push_back(*this);
  return true;
}

std::size_t Barrier::Wait::await_resume() {
  throw_unless_granted();
  if (broken_) throw BrokenBarrierError();
  return index_;
}

void Barrier::abort() noexcept {
  broken_ = true;
  fail_waiters();
}

void Barrier::reset() noexcept {
  broken_ = false;
  fail_waiters();
}

void Barrier::fail_waiters() noexcept {
  while (!waiters_.empty()) {
    auto& waiter = static_cast<Wait&>(waiters_.pop_front());
    waiter.broken_ = true;
    waiter.wake();
  }
}

std::string Barrier::to_string() const {
  return label_.print("of " + std::to_string(parties_) + (broken_ ? " broken" : ""), waiting());
}

std::ostream& operator<<(std::ostream& out, const Barrier& barrier) {
  return out << barrier.to_string();
}

}  // namespace brigade
