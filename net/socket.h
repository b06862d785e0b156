#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "brigade/net/address.h"
#include "brigade/runtime/loop.h"
#include "brigade/runtime/unique_fd.h"

namespace brigade {

/// Owns a stream socket of a loop, and asks its back end what can be answered at once. Without a
/// loop it is one of the kernel's.
///
/// Errors:     a negative errno; an empty address for a socket that has none.
/// Complexity: one system call each.
/// Threads:    loop-affine.
/// Lifetime:   must not outlive the loop.
class Socket {
 public:
  Socket() noexcept = default;
  explicit Socket(Loop* loop, UniqueFd fd = {}) noexcept : loop_(loop), fd_(std::move(fd)) {}
  Socket(Socket&&) noexcept = default;
  Socket& operator=(Socket&& other) noexcept {
    Socket moved(std::move(other));
    std::swap(loop_, moved.loop_);
    std::swap(fd_, moved.fd_);
    return *this;
  }
  ~Socket() { reset(); }

  Loop* loop() const noexcept { return loop_; }
  int get() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return bool(fd_); }
  void reset() noexcept;  // closes it

  /// A new one in place of this; throws if the back end cannot start.
  int open(int family, int flags = 0);

  template <class Value>
  int set_option(int level, int name, const Value& value) const noexcept {
    return on_calls([&](auto& calls) {
      return calls.set_option(get(), level, name, &value, socklen_t{sizeof value});
    });
  }
  int bind(const SocketAddress& address) const noexcept;
  int listen(int backlog) const noexcept;
  int connect(const SocketAddress& address) const noexcept;
  int accept(Socket& client) const noexcept;
  SocketAddress local_address() const noexcept;
  SocketAddress peer_address() const noexcept;

  /// These never wait: -EAGAIN.
  ssize_t send(std::string_view bytes) const noexcept;
  ssize_t receive(char* data, std::size_t size) const noexcept;
  int shutdown(int how) const noexcept;

 private:
  template <class Call>
  auto on_calls(Call call) const noexcept {
    if (loop_ != nullptr) return loop_->on_sockets(call);
    KernelSocketCalls kernel;
    return call(kernel);
  }

  Loop* loop_ = nullptr;
  UniqueFd fd_;
};

}  // namespace brigade
