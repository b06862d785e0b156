#include "brigade/runtime/poll.h"

#include <poll.h>

#include <cerrno>
#include <string>

namespace brigade {

bool PollFd::await_suspend(std::coroutine_handle<> coroutine) {
  Loop& loop = Loop::current();
  loop.prepare_io();
  if (!park(coroutine)) return false;
  loop.submit(*this, Request{Request::Kind::kPoll, fd_, nullptr, 0, events_});
  return true;
}

void PollFd::completed(Operation& operation, int result, bool) noexcept {
  auto& self = static_cast<PollFd&>(operation);
  self.result_ = result;
  if (result == -ECANCELED)
    self.wake_cancelled();
  else
    self.wake();
}

void PollFd::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<PollFd&>(waiter);
  loop_of(self.context()).cancel(self);
}

std::string PollFd::describe(const Waiter& waiter) {
  const auto& self = static_cast<const PollFd&>(waiter);
  return ((self.events_ & POLLIN) != 0 ? "read fd " : "write fd ") + std::to_string(self.fd_);
}

void PollFd::await_resume() {
  throw_if_cancelled();
  if (result_ < 0) throw_errno(result_, "wait for descriptor " + std::to_string(fd_));
}

PollFd wait_readable(int fd) noexcept { return PollFd(fd, POLLIN | POLLRDHUP); }
PollFd wait_writable(int fd) noexcept { return PollFd(fd, POLLOUT); }

}  // namespace brigade
