#include "brigade/net/socket.h"

namespace brigade {

void Socket::reset() noexcept {
  if (!fd_) return;
  const int fd = fd_.release();
  on_calls([&](auto& calls) { calls.close(fd); });
}

int Socket::open(int family, int flags) {
  reset();
  if (loop_ != nullptr) loop_->prepare_io();
  const int fd = on_calls([&](auto& calls) { return calls.open(family, flags); });
  fd_ = UniqueFd(fd);
  return fd;
}

int Socket::bind(const SocketAddress& address) const noexcept {
  return on_calls([&](auto& calls) { return calls.bind(get(), address.data(), address.size()); });
}

int Socket::listen(int backlog) const noexcept {
  return on_calls([&](auto& calls) { return calls.listen(get(), backlog); });
}

int Socket::connect(const SocketAddress& address) const noexcept {
  return on_calls(
      [&](auto& calls) { return calls.connect(get(), address.data(), address.size()); });
}

int Socket::accept(Socket& client) const noexcept {
  const int fd = on_calls([&](auto& calls) { return calls.accept(get()); });
  client = Socket(loop_, UniqueFd(fd));
  return fd;
}

SocketAddress Socket::local_address() const noexcept {
  sockaddr_storage storage{};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  const int error =
      on_calls([&](auto& calls) { return calls.local_address(get(), address, size); });
  return error == 0 ? SocketAddress(address, size) : SocketAddress();
}

SocketAddress Socket::peer_address() const noexcept {
  sockaddr_storage storage{};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  const int error = on_calls([&](auto& calls) { return calls.peer_address(get(), address, size); });
  return error == 0 ? SocketAddress(address, size) : SocketAddress();
}

ssize_t Socket::send(std::string_view bytes) const noexcept {
  return on_calls([&](auto& calls) { return calls.send(get(), bytes.data(), bytes.size()); });
}

ssize_t Socket::receive(char* data, std::size_t size) const noexcept {
  return on_calls([&](auto& calls) { return calls.receive(get(), data, size); });
}

int Socket::shutdown(int how) const noexcept {
  return on_calls([&](auto& calls) { return calls.shutdown(get(), how); });
}

}  // namespace brigade
