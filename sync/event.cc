#include "brigade/sync/event.h"

#include <ostream>

namespace brigade {

void Event::set() noexcept {
  set_ = true;
  while (!waiters_.empty()) waiters_.pop_front().wake();
}

bool Event::Wait::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  if (event_.set_)
    wake();
  else
    event_.waiters_.push_back(*this);
  return true;
}

std::ostream& operator<<(std::ostream& out, const Event& event) { return out << event.to_string(); }

}  // namespace brigade
