#include "brigade/runtime/sleep.h"

namespace brigade {

bool SleepUntil::await_suspend(std::coroutine_handle<> coroutine) {
  Loop& loop = Loop::current();
  const bool due = deadline_ <= loop.now();
  if (!due) loop.arm(*this, deadline_);  // May throw, so before anybody counts on the wait.
  if (!park(coroutine)) {
    loop.disarm(*this);
    return false;
  }
  if (due) wake();
  return true;
}

void SleepUntil::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<SleepUntil&>(waiter);
  loop_of(self.context()).disarm(self);
  self.wake_cancelled();
}

}  // namespace brigade
