#include "brigade/sync/semaphore.h"

#include <algorithm>
#include <ostream>
#include <stdexcept>

namespace brigade {

Semaphore::State::State(std::size_t permits, const char* type, std::string name) noexcept
    : available(permits), capacity(permits), label(type, std::move(name)), waiters(label) {}

Semaphore::Semaphore(std::size_t permits, const char* type, std::string name) : state_(nullptr) {
  if (permits == 0) throw std::invalid_argument("Semaphore of 0 permits: at least 1 is needed");
  state_ = new State(permits, type, std::move(name));
}

Semaphore::~Semaphore() {
  state_->waiters.abandon();
  state_->drop_reference();
}

Semaphore::Acquire Semaphore::acquire(std::size_t count) {
  if (count == 0 || count > state_->capacity)
    throw std::invalid_argument("acquire(" + std::to_string(count) + ") from a Semaphore of " +
                                std::to_string(state_->capacity));
  return Acquire(*state_, count);
}

void Semaphore::State::wait(Acquire& acquire) noexcept {
  acquire.missing_ = acquire.count_;
  waiters.push_back(acquire);
  grant(std::exchange(available, 0));
}

void Semaphore::State::grant(std::size_t count) noexcept {
  while (count > 0 && !waiters.empty()) {
    auto& oldest = static_cast<Acquire&>(waiters.front());
    const std::size_t part = std::min(count, oldest.missing_);
    count -= part;
    oldest.missing_ -= part;
    if (oldest.missing_ > 0) return;
    waiters.remove(oldest);
    ++references;  // Of the permit that its await_resume() makes.
    oldest.wake();
  }
  available += count;
}

void Semaphore::State::release(std::size_t count) noexcept {
  grant(count);
  drop_reference();
}

void Semaphore::Permit::release() noexcept {
  check(state_ != nullptr, "a permit was released twice, or after it was moved from");
  std::exchange(state_, nullptr)->release(count_);
}

void Semaphore::Acquire::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<Acquire&>(waiter);
  Member::cancel(waiter);
  self.state_.grant(self.count_ - self.missing_);  // What was set aside for it.
}

std::string Semaphore::print(const std::string& state) const {
  return state_->label.print(state, waiting());
}

std::string Semaphore::to_string() const {
  return print(std::to_string(available()) + " of " + std::to_string(state_->capacity) + " free");
}

std::ostream& operator<<(std::ostream& out, const Semaphore& semaphore) {
  return out << semaphore.to_string();
}

}  // namespace brigade
