#include "brigade/net/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

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

// Of the file of a Unix socket; all zero if there is none.
struct stat status_of(Loop& loop, const SocketAddress& address) noexcept {
  struct stat file{};
  loop.on_sockets([&](auto& calls) { return calls.status_of(path_of(address), file); });
  return file;
}

void remove_file(Loop& loop, const SocketAddress& address) noexcept {
  loop.on_sockets([&](auto& calls) { return calls.remove(path_of(address)); });
}

// A socket file that a server left behind: nobody answers there.
bool is_stale(Loop& loop, const SocketAddress& address) {
  if (!S_ISSOCK(status_of(loop, address).st_mode)) return false;
  Socket probe(&loop);
  return probe.open(AF_UNIX, SOCK_NONBLOCK) >= 0 && probe.connect(address) == -ECONNREFUSED;
}

void bind_socket(const Socket& socket, const SocketAddress& address, bool reuse_port) {
  const int on = 1;
  if (address.family() == AF_UNIX) {
    if (is_file(address) && is_stale(*socket.loop(), address)) remove_file(*socket.loop(), address);
  } else {
    socket.set_option(SOL_SOCKET, SO_REUSEADDR, on);
    if (reuse_port) socket.set_option(SOL_SOCKET, SO_REUSEPORT, on);
  }
  if (address.family() == AF_INET6) socket.set_option(IPPROTO_IPV6, IPV6_V6ONLY, on);
  int error = socket.bind(address);
  if (error == 0) error = socket.listen(kBacklog);
  if (error != 0) throw_errno(error, "listen on " + address.to_string());
}

bool is_shortage(int error) noexcept {
  return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

// What says that listening itself is impossible; all else concerns one connection that was lost, or
// may pass, as a refusal by a security module.
bool is_fatal(int error) noexcept {
  return error == -EBADF || error == -ENOTSOCK || error == -EINVAL || error == -ECANCELED;
}

}  // namespace

std::shared_ptr<Listener> Listener::open(Loop& loop, const SocketAddress& address,
                                         Accepted accepted, bool reuse_port) {
  Socket socket(&loop);
  const int error = socket.open(address.family());
  if (error < 0) throw_errno(error, "create a socket for " + address.to_string());
  bind_socket(socket, address, reuse_port);
  try {
    return std::make_shared<Listener>(std::move(socket), std::move(accepted));
  } catch (const std::bad_alloc&) {
    if (is_file(address)) remove_file(loop, address);  // Nobody else would.
    throw;
  }
}

Listener::Listener(Socket socket, Accepted accepted)
    : loop_(*socket.loop()),
      socket_(std::move(socket)),
      address_(socket_.local_address()),
      accepted_(std::move(accepted)),
      accept_(*this),
      pause_(*this),
      pause_time_(kFirstPause) {
  loop_.attach(socket_.get());
  if (is_file(address_)) path_ = status_of(loop_, address_);
}

Listener::~Listener() { close(); }

void Listener::start() noexcept {
  self_ = shared_from_this();
  loop_.submit(accept_, Request{Request::Kind::kAccept, socket_.get(), nullptr, 0, 0});
}

void Listener::Accept::completed(Operation& operation, int result, bool more) noexcept {
  static_cast<Accept&>(operation).listener.handle(result, more);
}

void Listener::handle(int result, bool more) noexcept {
  const std::shared_ptr<Listener> keep = self_;
  const bool closing = closing_ || loop_.closing();
  if (!more) self_.reset();
  if (result >= 0) {
    Socket client(&loop_, UniqueFd(result));
    pause_time_ = kFirstPause;
    failed_ = false;
    if (!closing) accepted_(std::move(client));
  }
  if (more) return;
  if (closing) return socket_.reset();
  if (result >= 0) return start();
  if (is_fatal(result)) {
    std::fprintf(stderr, "brigade: stopped listening on %s: %s\n", address_.to_string().c_str(),
                 std::strerror(-result));
    return close();
  }
  const bool again = std::exchange(failed_, true);
  if (again || is_shortage(result)) return pause(result);
  start();
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
  socket_.shutdown(SHUT_RDWR);  // Refuses at once, though the kernel still holds the accept.
  if (accept_.in_flight())
    loop_.cancel(accept_);
  else
    socket_.reset();
}

void Listener::remove_path() noexcept {
  if (!is_file(address_)) return;
  const struct stat now = status_of(loop_, address_);
  if (now.st_dev == path_.st_dev && now.st_ino == path_.st_ino) remove_file(loop_, address_);
}

}  // namespace brigade
