#include "brigade/runtime/timeout.h"

#include <stdexcept>

namespace brigade {

void Deadline::begin() {
  check(!active_, "one Deadline ends two timeouts at a time");
  scope_.enter();
  expired_ = false;
  arm(when_);
  active_ = true;
}

bool Deadline::end() noexcept {
  disarm();
  active_ = false;
  expired_ = scope_.requested();
  return scope_.withdraw();
}

void Deadline::reschedule(TimePoint when) {
  if (active_) {
    if (scope_.requested()) throw std::logic_error("reschedule() of a deadline that has passed");
    disarm();
    arm(when);
  }
  when_ = when;
}

void Deadline::arm(TimePoint when) {
  Loop& loop = loop_of(scope_.context());
  if (when <= loop.now())
    scope_.request();
  else if (when != TimePoint::max())
    loop.arm(*this, when);
}

void Deadline::disarm() noexcept {
  if (armed()) loop_of(scope_.context()).disarm(*this);
}

void Deadline::fire(Timer& timer) noexcept { static_cast<Deadline&>(timer).scope_.request(); }

}  // namespace brigade
