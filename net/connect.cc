#include "brigade/net/connect.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "brigade/net/resolver.h"
#include "brigade/net/socket.h"

namespace brigade {
namespace {

/// Parks until the kernel has connected the socket, or not.
class Connect : public Waiter, private Operation {
 public:
  Connect(int fd, const SocketAddress& address) noexcept
      : Waiter(kKind), Operation(&completed), fd_(fd), address_(address) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) {
    Loop& loop = Loop::current();
    loop.attach(fd_);
    if (!park(coroutine)) return false;
    loop.submit(*this, Request{Request::Kind::kConnect, fd_, const_cast<sockaddr*>(address_.data()),
                               address_.size(), 0});
    return true;
  }

  /// 0 or a negative errno.
  int await_resume() {
    throw_if_cancelled();
    return result_;
  }

 private:
  static void completed(Operation& operation, int result, bool) noexcept {
    auto& self = static_cast<Connect&>(operation);
    self.result_ = result;
    // A connect that was under way when it was cancelled may end by -EINTR.
    const bool cancelled = self.cancel_asked_ && (result == -ECANCELED || result == -EINTR);
    if (cancelled)
      self.wake_cancelled();
    else
      self.wake();
  }
  static void cancel(Waiter& waiter) noexcept {
    auto& self = static_cast<Connect&>(waiter);
    self.cancel_asked_ = true;
    loop_of(self.context()).cancel(self);
  }
  static std::string describe(const Waiter& waiter) {
    return "connect to " + static_cast<const Connect&>(waiter).address_.to_string();
  }
  static constexpr Kind kKind{"a connection", &cancel, &describe};

  const int fd_;
  const SocketAddress address_;
  int result_ = 0;
  bool cancel_asked_ = false;
};

std::string reason(int error) { return std::system_category().message(-error); }

}  // namespace

Task<std::pair<StreamReader, StreamWriter>> open_connection(std::string host, std::uint16_t port) {
  const std::string target = host + ":" + std::to_string(port);
  const std::vector<SocketAddress> addresses = co_await resolve(host, port);
  std::string failures;
  int error = 0;
  for (const SocketAddress& address : addresses) {
    Socket socket(&Loop::current());
    error = socket.open(address.family());  // Perhaps the system lacks it: the next one may do.
    if (socket) error = co_await Connect(socket.get(), address);
    if (error == 0) co_return open_streams(std::move(socket));
    failures += (failures.empty() ? "" : "; ") + address.to_string() + ": " + reason(error);
  }
  throw_errno(error, addresses.size() == 1 ? "connect to " + addresses[0].to_string()
                                           : "connect to " + target + " (" + failures + ")");
}

Task<std::pair<StreamReader, StreamWriter>> open_unix_connection(std::string path) {
  const SocketAddress address = SocketAddress::unix_path(path);
  Socket socket(&Loop::current());
  int error = socket.open(AF_UNIX);
  if (socket) {
    // One that waits for a full backlog is ended, with nothing done, if the process is stopped and
    // continued. Over TCP it waits by a poll, which goes on.
    do {
      error = co_await Connect(socket.get(), address);
    } while (error == -EINTR);
  }
  if (error != 0) throw_errno(error, "connect to " + address.to_string());
  co_return open_streams(std::move(socket));
}

}  // namespace brigade
