#pragma once

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstddef>

#include "brigade/runtime/platform.h"

namespace brigade {

/// The socket calls that are answered at once, beside the operations: those of the kernel, unless a
/// back end from outside answers them itself. Each is named and behaves as the system call of its
/// manual page, but for what is said here.
///
/// Errors:     a negative errno; none throws.
/// Complexity: one system call each.
/// Threads:    one.
class SocketCalls {
 public:
  SocketCalls() = default;
  virtual ~SocketCalls() = default;
  SocketCalls(const SocketCalls&) = delete;
  SocketCalls& operator=(const SocketCalls&) = delete;

  /// A stream socket that a new program does not inherit. `flags`: SOCK_NONBLOCK or 0.
  virtual int open(int family, int flags) noexcept;
  virtual int set_option(int fd, int level, int name, const void* value, socklen_t size) noexcept;

  /// A path in the file system gets mode 0600, whatever the umask.
  virtual int bind(int fd, const sockaddr* address, socklen_t size) noexcept;
  virtual int listen(int fd, int backlog) noexcept;
  virtual int connect(int fd, const sockaddr* address, socklen_t size) noexcept;
  virtual int accept(int fd) noexcept;
  virtual int local_address(int fd, sockaddr* address, socklen_t& size) noexcept;
  virtual int peer_address(int fd, sockaddr* address, socklen_t& size) noexcept;

  /// These two never wait: -EAGAIN if they would have to. A send never raises SIGPIPE.
  virtual ssize_t send(int fd, const void* data, std::size_t size) noexcept;
  virtual ssize_t receive(int fd, void* data, std::size_t size) noexcept;
  virtual int shutdown(int fd, int how) noexcept;
  virtual void close(int fd) noexcept;

  /// Of the file of a Unix socket, as lstat(2).
  virtual int status_of(const char* path, struct stat& status) noexcept;
  virtual int remove(const char* path) noexcept;

  /// The names of hosts are to be looked up in place, as no other thread may decide when what
  /// happens.
  virtual bool resolves_in_place() const noexcept { return false; }
};

/// The kernel's, without virtual calls.
class KernelSocketCalls final : public SocketCalls {};

}  // namespace brigade
