#include "brigade/runtime/task_handle.h"

#include <stdexcept>

#include "brigade/runtime/scheduler.h"

namespace brigade {

void throw_cannot_await(const TaskContext& target) {
  const char* const why =
      &target == current_context ? "' awaits itself" : "' belongs to another loop";
  throw std::logic_error("task '" + target.name() + why);
}

bool WaitDone::await_suspend(std::coroutine_handle<> coroutine) {
  if (!target_.done()) check_can_await(target_.context());
  if (!park(coroutine)) return false;
  if (target_.done())
    wake();
  else
    target_.context().add_joiner(*this, current_context);
  return true;
}

void WaitDone::task_done(Joiner& joiner) noexcept { static_cast<WaitDone&>(joiner).wake(); }

void WaitDone::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<WaitDone&>(waiter);
  self.Joiner::unlink();
  self.wake_cancelled();
}

std::string WaitDone::describe(const Waiter& waiter) {
  return "the end of '" + static_cast<const WaitDone&>(waiter).target_.name() + "'";
}

}  // namespace brigade
