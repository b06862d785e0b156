#include "brigade/runtime/reply.h"

namespace brigade {

ReplySender::ReplySender(std::shared_ptr<ReplySlot> slot)
    : door_(Loop::current().door()),
      posted_(new PostDoor::Posted{[slot = std::move(slot)] { ReplyWait::come(*slot); }}) {}

bool ReplyWait::await_reply(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  slot_.waiter_ = this;
  return true;
}

void ReplyWait::come(ReplySlot& slot) noexcept {
  ReplyWait* const waiter = std::exchange(slot.waiter_, nullptr);
  if (waiter == nullptr) return;
  if (waiter->cancel_asked_ && !slot.filled_)
    waiter->wake_cancelled();
  else
    waiter->wake();
}

}  // namespace brigade
