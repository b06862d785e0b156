#pragma once

#include <coroutine>
#include <string>

#include "brigade/runtime/loop.h"

namespace brigade {

/// Parks until a descriptor is ready.
class PollFd : public Waiter, private Operation {
 public:
  PollFd(int fd, unsigned events) noexcept
      : Waiter(kKind), Operation(&completed), fd_(fd), events_(events) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine);
  void await_resume();

 private:
  static void completed(Operation& operation, int result, bool more) noexcept;
  static void cancel(Waiter& waiter) noexcept;
  static std::string describe(const Waiter& waiter);
  static constexpr Kind kKind{"a descriptor", &cancel, &describe};

  int fd_;
  unsigned events_;
  int result_ = 0;
};

/// `co_await wait_readable(fd)` parks until a read on `fd` (a socket, pipe, terminal, signalfd,
/// ...) would not block, be it with data, the end of the stream or an error; `wait_writable(fd)`
/// the same for a write. The task waits passively, in the kernel. Level-triggered: what is ready
/// stays ready.
///
/// Errors:       std::system_error, for instance EBADF.
/// Cancellation: safe; the task resumes when the kernel has given the operation back. If readiness
///               won the race it is returned, and the cancel is due at the next suspension point.
/// Complexity:   O(1), no allocation.
/// Threads:      loop-affine.
/// Lifetime:     do not close `fd` while it is awaited.
/// Example:      examples/wait_readable.cc
PollFd wait_readable(int fd) noexcept;
PollFd wait_writable(int fd) noexcept;

}  // namespace brigade
