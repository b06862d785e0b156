#include "brigade/net/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

namespace brigade {
namespace {

constexpr int kBacklog = 4096;  // The kernel lowers it to net.core.somaxconn.
constexpr std::chrono::milliseconds kFirstPause(50);
constexpr std::chrono::seconds kLongestPause(1);
constexpr std::chrono::seconds kReportInterval(1);

bool is_file(const SocketAddress& address) noexcept {
  return address.family() == AF_UNIX &&
         reinterpret_cast<const sockaddr_un*>(address.data())->sun_path[0] != '\0';
}

const char* path_of(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_un*>(address.data())->sun_path;
}

// A socket file that a server left behind: nobody answers there.
bool is_stale(const SocketAddress& address) noexcept {
  struct stat file{};
  if (::lstat(path_of(address), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), address.data(), address.size()) != 0 &&
         errno == ECONNREFUSED;
}

void bind_socket(int fd, const SocketAddress& address) {
  const int on = 1;
  if (address.family() == AF_UNIX) {
    ::fchmod(fd, 0600);  // Before bind(2), which gives this mode to the file.
    if (is_file(address) && is_stale(address)) ::unlink(path_of(address));
  } else {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (address.family() == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, address.data(), address.size()) != 0 || ::listen(fd, kBacklog) != 0)
    throw_errno(-errno, "listen on " + address.to_string());
}

bool is_shortage(int error) noexcept {
  return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

// What says that listening itself is impossible; all else concerns one connection that was lost.
bool is_fatal(int error) noexcept {
  return error == -EBADF || error == -ENOTSOCK || error == -EINVAL || error == -EOPNOTSUPP ||
         error == -ECANCELED;
}

}  // namespace

std::shared_ptr<Listener> Listener::open(Loop& loop, const SocketAddress& address,
                                         Accepted accepted) {
  loop.prepare_io();
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno(-errno, "create a socket for " + address.to_string());
  bind_socket(fd.get(), address);
  try {
    return std::make_shared<Listener>(loop, std::move(fd), std::move(accepted));
  } catch (const std::bad_alloc&) {
    if (is_file(address)) ::unlink(path_of(address));  // Nobody else would.
    throw;
  }
}

Listener::Listener(Loop& loop, UniqueFd fd, Accepted accepted)
    : loop_(loop),
      fd_(std::move(fd)),
      address_(SocketAddress::local_of(fd_.get())),
      accepted_(std::move(accepted)),
      accept_(*this),
      pause_(*this),
      pause_time_(kFirstPause) {
  loop_.attach(fd_.get());
  if (is_file(address_)) ::lstat(path_of(address_), &path_);
}

Listener::~Listener() { close(); }

void Listener::start() noexcept {
  self_ = shared_from_this();
  loop_.submit(accept_, Request{Request::Kind::kAccept, fd_.get(), nullptr, 0, 0});
}

void Listener::Accept::completed(Operation& operation, int result, bool more) noexcept {
  static_cast<Accept&>(operation).listener.handle(result, more);
}

void Listener::handle(int result, bool more) noexcept {
  const std::shared_ptr<Listener> keep = self_;
  const bool closing = closing_ || loop_.closing();
  if (!more) self_.reset();
  if (result >= 0) {
    UniqueFd fd(result);
    pause_time_ = kFirstPause;
    if (!closing) accepted_(std::move(fd));
  }
  if (more) return;
  if (closing) return fd_.reset();
  if (is_shortage(result)) return pause(result);
  if (!is_fatal(result)) return start();
  std::fprintf(stderr, "brigade: stopped listening on %s: %s\n", address_.to_string().c_str(),
               std::strerror(-result));
  close();
}

void Listener::pause(int error) noexcept {
  const TimePoint now = loop_.now();
  if (now >= next_report_) {
    next_report_ = after(now, kReportInterval);
    std::fprintf(stderr, "brigade: accept on %s paused: %s\n", address_.to_string().c_str(),
                 std::strerror(-error));
  }
  try {
    loop_.arm(pause_, after(now, pause_time_));
  } catch (const std::bad_alloc&) {
    return start();
  }
  pause_time_ = std::min<Nanoseconds>(pause_time_ * 2, kLongestPause);
}

void Listener::close() noexcept {
  if (std::exchange(closing_, true)) return;
  remove_path();
  loop_.disarm(pause_);
  ::shutdown(fd_.get(), SHUT_RDWR);  // Refuses at once, though the kernel still holds the accept.
  if (accept_.in_flight())
    loop_.cancel(accept_);
  else
    fd_.reset();
}

void Listener::remove_path() noexcept {
  struct stat now{};
  if (!is_file(address_) || ::lstat(path_of(address_), &now) != 0) return;
  if (now.st_dev == path_.st_dev && now.st_ino == path_.st_ino) ::unlink(path_of(address_));
}

}  // namespace brigade
