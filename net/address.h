#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Where a socket is: IPv4 or IPv6 with a port, or a Unix path. A value.
///
/// Errors:     unix_path() throws std::invalid_argument for a path that is empty or longer than the
///             107 bytes that unix(7) leaves for it.
/// Complexity: O(1).
/// Threads:    any.
/// Lifetime:   none.
/// Example:    examples/pong.cc
class SocketAddress {
 public:
  SocketAddress() noexcept = default;
  SocketAddress(const sockaddr* address, socklen_t size) noexcept;

  /// "127.0.0.1", "::1", "fe80::1%lo"; nothing for a name.
  static std::optional<SocketAddress> numeric(const std::string& host, std::uint16_t port);

  /// A path in the file system; one that starts with a NUL byte is abstract, see unix(7).
  static SocketAddress unix_path(std::string_view path);

  int family() const noexcept { return storage_.ss_family; }
  std::uint16_t port() const noexcept;  ///< 0 for a Unix path

  /// 127.0.0.1:80, [::1]:80, /run/x.sock, @abstract; "(none)" for an empty address, as that of an
  /// unnamed Unix socket.
  std::string to_string() const;

  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace brigade
