#include "brigade/net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace brigade {
namespace {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

std::string unix_name(const sockaddr_un& address, std::size_t size) {
  if (size <= kPathOffset) return "(none)";
  if (address.sun_path[0] != '\0') return address.sun_path;
  return "@" + std::string(address.sun_path + 1, size - kPathOffset - 1);
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) noexcept : size_(size) {
  std::memcpy(&storage_, address, size);
}

std::optional<SocketAddress> SocketAddress::numeric(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return std::nullopt;
  const SocketAddress address(found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

SocketAddress SocketAddress::unix_path(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The kernel accepts 108 bytes without a NUL at the end; other programs would then read past it.
  if (path.empty() || path.size() >= sizeof address.sun_path)
    throw std::invalid_argument("Unix socket path of " + std::to_string(path.size()) +
                                " bytes: 1 to 107 are accepted: '" + std::string(path) + "'");
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path[0] == '\0';
  const std::size_t size = kPathOffset + path.size() + (abstract ? 0 : 1);
  return SocketAddress(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

std::string SocketAddress::to_string() const {
  if (size_ == 0) return "(none)";
  if (family() == AF_UNIX) return unix_name(reinterpret_cast<const sockaddr_un&>(storage_), size_);
  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(data(), size_, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return "(none)";
  const std::string name = host.data();
  return (family() == AF_INET6 ? "[" + name + "]" : name) + ":" + std::to_string(port());
}

}  // namespace brigade
