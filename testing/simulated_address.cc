#include "brigade/testing/simulated_address.h"

#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace brigade {

int family_of(const AddressBytes& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.data())->sa_family;
}

std::uint16_t port_of(const AddressBytes& address) noexcept {
  return ntohs(reinterpret_cast<const sockaddr_in*>(address.data())->sin_port);  // in6's is there.
}

void set_port(AddressBytes& address, std::uint16_t port) noexcept {
  reinterpret_cast<sockaddr_in*>(address.data())->sin_port = htons(port);
}

bool is_wildcard(const AddressBytes& address) noexcept {
  if (family_of(address) == AF_INET)
    return reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr.s_addr == INADDR_ANY;
  const in6_addr& in6 = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  return std::memcmp(&in6, &in6addr_any, sizeof in6) == 0;
}

AddressBytes with_host(AddressBytes address, std::uint32_t in, const in6_addr& in6) {
  if (family_of(address) == AF_INET)
    reinterpret_cast<sockaddr_in*>(address.data())->sin_addr.s_addr = htonl(in);
  else
    reinterpret_cast<sockaddr_in6*>(address.data())->sin6_addr = in6;
  return address;
}

bool is_path(const AddressBytes& address) noexcept {
  return family_of(address) == AF_UNIX && address[offsetof(sockaddr_un, sun_path)] != '\0';
}

AddressBytes path_address(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::min(std::strlen(path), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path, length);
  return std::string(reinterpret_cast<const char*>(&address),
                     offsetof(sockaddr_un, sun_path) + length + 1);
}

AddressBytes address_bytes(const sockaddr* address, socklen_t size) {
  return std::string(reinterpret_cast<const char*>(address), size);
}

}  // namespace brigade
