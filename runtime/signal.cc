#include "brigade/runtime/signal.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <bit>
#include <cerrno>

#include "brigade/runtime/error.h"
#include "brigade/runtime/poll.h"

namespace brigade {
namespace {

static_assert(_NSIG <= 65, "a bit for each signal");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "for use in a signal handler");

}  // namespace

Signals::Signals(std::initializer_list<int> numbers)
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw_errno(-errno, "create an eventfd for signals");
  for (const int number : numbers)
    caught_.emplace_front(number, CaughtSignal::Times::kAlways, &caught, this);
}

void Signals::caught(void* object, int number) noexcept {
  auto& self = *static_cast<Signals*>(object);
  self.pending_ |= std::uint64_t{1} << (number - 1);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(self.event_.get(), &one, sizeof one);
}

int Signals::take() noexcept {
  const std::uint64_t pending = pending_;
  if (pending == 0) return 0;
  const int lowest = std::countr_zero(pending);
  pending_ &= ~(std::uint64_t{1} << lowest);
  return lowest + 1;
}

Task<int> Signals::wait() {
  while (true) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(event_.get(), &count, sizeof count);
    const int number = take();
    if (number != 0) co_return number;
    co_await wait_readable(event_.get());
  }
}

}  // namespace brigade
