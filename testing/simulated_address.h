#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace brigade {

/// The bytes of a sockaddr: a name of testing/simulated_sockets.h, for IPv4, IPv6 or Unix.
///
/// Errors:     none.
/// Complexity: O(1).
/// Threads:    any.
/// Lifetime:   none.
using AddressBytes = std::string;

AddressBytes address_bytes(const sockaddr* address, socklen_t size);
AddressBytes path_address(const char* path);

int family_of(const AddressBytes& address) noexcept;
bool is_path(const AddressBytes& address) noexcept;  // in the file system, not abstract

// Of IPv4 and IPv6.
std::uint16_t port_of(const AddressBytes& address) noexcept;
void set_port(AddressBytes& address, std::uint16_t port) noexcept;
bool is_wildcard(const AddressBytes& address) noexcept;
AddressBytes with_host(AddressBytes address, std::uint32_t in, const in6_addr& in6);

}  // namespace brigade
