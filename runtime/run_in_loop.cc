#include "brigade/runtime/run_in_loop.h"

namespace brigade {

RemoteCall::~RemoteCall() {
  if (begun_) return;
  try {
    throw std::logic_error("run_in_loop() for a loop that has closed");
  } catch (...) {  // This, or std::bad_alloc.
    slot_->set_error(std::current_exception());
  }
}

void RemoteCall::start(const std::shared_ptr<RemoteCall>& self) noexcept {
  Loop& loop = Loop::current();
  if (loop.closing()) return;
  self->begun_ = true;
  try {
    self->task_ = loop.spawn(self->run(self));
  } catch (...) {
    self->slot_->set_error(std::current_exception());
  }
}

RemoteWait::RemoteWait(Loop& loop, std::shared_ptr<RemoteCall> call, ReplySlot& slot)
    : ReplyWait(kKind, slot),
      door_(loop.door()),
      cancel_(new PostDoor::Posted{[weak = std::weak_ptr(call)] {
        if (const auto alive = weak.lock()) alive->cancel();
      }}),
      start_(new PostDoor::Posted{[call = std::move(call)] { RemoteCall::start(call); }}) {
  if (&loop == &Loop::current())
    throw std::logic_error("run_in_loop() for the loop it is called in: spawn() does that");
}

bool RemoteWait::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!await_reply(coroutine)) return false;
  door_->post(std::move(start_));
  return true;
}

void RemoteWait::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<RemoteWait&>(waiter);
  self.cancel_asked();
  self.door_->post(std::move(self.cancel_));
}

}  // namespace brigade
