#include "brigade/runtime/task_handle.h"

#include <stdexcept>

#include "brigade/runtime/scheduler.h"

namespace brigade {

bool WaitDone::await_suspend(std::coroutine_handle<> coroutine) {
  if (&target_.context() == current_context)
    throw std::logic_error("task '" + target_.name() + "' awaits itself");
  if (&target_.context().scheduler() != &current_context->scheduler())
    throw std::logic_error("task '" + target_.name() + "' belongs to another loop");
  if (!park(coroutine)) return false;
  target_.context().add_joiner(*this);
  return true;
}

void WaitDone::task_done(Joiner& joiner) noexcept { static_cast<WaitDone&>(joiner).wake(); }

void WaitDone::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<WaitDone&>(waiter);
  self.Joiner::unlink();
  self.wake_cancelled();
}

}  // namespace brigade
