#include "brigade/sync/queue_base.h"

#include <limits>
#include <utility>

namespace brigade {

QueueBase::QueueBase(const char* type, std::size_t capacity, std::string name)
    : capacity_(capacity), label_(type, std::move(name)) {
  if (capacity == 0) throw std::invalid_argument("Queue of 0 items: at least 1 is needed");
}

void QueueBase::close() noexcept {
  closed_ = true;
  while (!getters_.empty()) getters_.pop_front().wake();  // With no item: the end.
  while (!putters_.empty()) {
    auto& putter = static_cast<Putter&>(putters_.pop_front());
    putter.closed_ = true;
    putter.wake();
  }
}

void QueueBase::task_done() noexcept {
  check(unfinished_ > 0, "task_done() for more items than were put");
  if (--unfinished_ > 0) return;
  while (!joiners_.empty()) joiners_.pop_front().wake();
}

bool QueueBase::Join::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  if (queue_.unfinished_ == 0)
    wake();
  else
    queue_.joiners_.push_back(*this);
  return true;
}

void QueueBase::Putter::throw_unless_put() {
  throw_unless_granted();
  if (closed_) throw QueueClosed();
}

std::string QueueBase::print(std::size_t size) const {
  std::string state = std::to_string(size);
  if (capacity_ < std::numeric_limits<std::size_t>::max())
    state += " of " + std::to_string(capacity_);
  state += " items";
  if (closed_) state += ", closed";
  return label_.print(state, getting() + putting());
}

}  // namespace brigade
