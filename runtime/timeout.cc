#include "brigade/runtime/timeout.h"

namespace brigade {

void Deadline::arm() {
  context_ = current_context;
  entry_requests_ = context_->cancel_requests();
  if (delay_ <= Nanoseconds::zero()) {
    // A cancel that is due already ends the wait just as early, and is not ours.
    if (!context_->cancel_due()) fire(*this);
    return;
  }
  Loop& loop = loop_of(*context_);
  loop.arm(*this, after(loop.now(), delay_));
}

void Deadline::disarm() noexcept {
  if (armed()) loop_of(*context_).disarm(*this);
}

void Deadline::fire(Timer& timer) noexcept {
  auto& self = static_cast<Deadline&>(timer);
  self.fired_ = true;
  self.context_->cancel();
}

bool Deadline::withdraw() noexcept {
  if (!fired_) return false;
  context_->uncancel(entry_requests_);
  return context_->cancel_requests() <= entry_requests_;
}

}  // namespace brigade
