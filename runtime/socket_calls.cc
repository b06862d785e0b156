#include "brigade/runtime/socket_calls.h"

#include <unistd.h>

#include <cerrno>

namespace brigade {
namespace {

template <class Result>
Result or_errno(Result result) noexcept {
  return result < 0 ? -errno : result;
}

}  // namespace

int SocketCalls::open(int family, int flags) noexcept {
  return or_errno(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

int SocketCalls::set_option(int fd, int level, int name, const void* value,
                            socklen_t size) noexcept {
  return or_errno(::setsockopt(fd, level, name, value, size));
}

int SocketCalls::bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  // Before bind(2), which gives this mode to the file.
  if (address->sa_family == AF_UNIX) ::fchmod(fd, 0600);
  return or_errno(::bind(fd, address, size));
}

int SocketCalls::listen(int fd, int backlog) noexcept { return or_errno(::listen(fd, backlog)); }

int SocketCalls::connect(int fd, const sockaddr* address, socklen_t size) noexcept {
  return or_errno(::connect(fd, address, size));
}

int SocketCalls::accept(int fd) noexcept {
  return or_errno(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
}

int SocketCalls::local_address(int fd, sockaddr* address, socklen_t& size) noexcept {
  return or_errno(::getsockname(fd, address, &size));
}

int SocketCalls::peer_address(int fd, sockaddr* address, socklen_t& size) noexcept {
  return or_errno(::getpeername(fd, address, &size));
}

ssize_t SocketCalls::send(int fd, const void* data, std::size_t size) noexcept {
  return or_errno(::send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t SocketCalls::receive(int fd, void* data, std::size_t size) noexcept {
  return or_errno(::recv(fd, data, size, MSG_DONTWAIT));
}

int SocketCalls::shutdown(int fd, int how) noexcept { return or_errno(::shutdown(fd, how)); }

void SocketCalls::close(int fd) noexcept { ::close(fd); }

int SocketCalls::status_of(const char* path, struct stat& status) noexcept {
  return or_errno(::lstat(path, &status));
}

int SocketCalls::remove(const char* path) noexcept { return or_errno(::unlink(path)); }

}  // namespace brigade
