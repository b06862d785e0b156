#include "brigade/runtime/to_thread.h"

namespace brigade {

bool ThreadWait::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!await_reply(coroutine)) return false;
  error_ = pool_.submit(job_);
  if (error_ != 0) {
    leave();
    wake();
  }
  return true;
}

void ThreadWait::await_resume() {
  ReplyWait::await_resume();
  if (error_ != 0) throw_errno(-error_, "start a thread");
}

void ThreadWait::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<ThreadWait&>(waiter);
  self.pool_.drop(*self.job_);
  self.leave();
  self.wake_cancelled();
}

}  // namespace brigade
