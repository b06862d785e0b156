#include "brigade/net/address.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>

#include "brigade/tests/net/sockets.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

std::string abstract_name(std::size_t size) { return '\0' + std::string(size - 1, 'a'); }

TEST_CASE("SocketAddress: an IPv4 address in digits is taken with its port") {
  const auto address = SocketAddress::numeric("127.0.0.1", 8080);

  REQUIRE(address);
  CHECK(address->family() == AF_INET);
  CHECK(address->port() == 8080);
  CHECK(address->to_string() == "127.0.0.1:8080");
}

TEST_CASE("SocketAddress: an IPv6 address is printed in brackets [S-40]") {
  const auto address = SocketAddress::numeric("::1", 65535);

  REQUIRE(address);
  CHECK(address->family() == AF_INET6);
  CHECK(address->port() == 65535);
  CHECK(address->to_string() == "[::1]:65535");
}

TEST_CASE("SocketAddress: the scope of a link-local address is kept [S-40]") {
  const auto address = SocketAddress::numeric("fe80::1%lo", 1);

  REQUIRE(address);
  CHECK(address->to_string() == "[fe80::1%lo]:1");
}

TEST_CASE("SocketAddress: what is not in digits is no numeric address") {
  for (const char* host : {"localhost", "", "[::1]", "127.0.0.1:80", "::1 ", "256.0.0.1"}) {
    CAPTURE(host);
    CHECK_FALSE(SocketAddress::numeric(host, 80));
  }
}

TEST_CASE("SocketAddress: an empty one prints as (none) and has no port") {
  const SocketAddress address;

  CHECK(address.to_string() == "(none)");
  CHECK(address.port() == 0);
  CHECK(address.size() == 0);
}

TEST_CASE("SocketAddress: both ends of a connection see the same two addresses") {
  const auto [left, right] = tcp_pair();

  CHECK(left.local_address().to_string() == right.peer_address().to_string());
  CHECK(left.peer_address().to_string() == right.local_address().to_string());
  CHECK(left.local_address().port() != 0);
}

TEST_CASE("SocketAddress: a peer that is not there is (none), not an error [S-45]") {
  const Socket unconnected = bound_to(loopback());

  CHECK(unconnected.peer_address().to_string() == "(none)");
  CHECK(Socket().peer_address().to_string() == "(none)");
  CHECK(Socket().local_address().to_string() == "(none)");
}

TEST_CASE("SocketAddress: an unnamed Unix socket is (none)") {
  const auto [left, right] = unix_pair();

  CHECK(left.peer_address().to_string() == "(none)");
  CHECK(right.local_address().port() == 0);
}

TEST_CASE("SocketAddress: a Unix path of 107 bytes is accepted, 108 are refused [S-42]") {
  const std::string longest(107, 'p');

  CHECK(SocketAddress::unix_path(longest).to_string() == longest);
  CHECK_THROWS_AS(SocketAddress::unix_path(longest + "p"), std::invalid_argument);
  CHECK_THROWS_AS(SocketAddress::unix_path(std::string(5000, 'p')), std::invalid_argument);
}

TEST_CASE(
    "SocketAddress: the refusal of a long path tells the path, its size and the limit [S-42]") {
  const std::string path = "/tmp/" + std::string(103, 'p');
  std::string message;

  try {
    SocketAddress::unix_path(path);
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }

  CHECK(contains(message, "108"));
  CHECK(contains(message, "107"));
  CHECK(contains(message, path));
}

TEST_CASE("SocketAddress: an empty Unix path is refused [S-42]") {
  CHECK_THROWS_AS(SocketAddress::unix_path(""), std::invalid_argument);
}

TEST_CASE("SocketAddress: a path that starts with a NUL byte is abstract [S-42]") {
  const SocketAddress address = SocketAddress::unix_path(std::string("\0brigade", 8));

  CHECK(address.to_string() == "@brigade");
  // unix(7): the name is sun_path[0] to the end of the address, with no NUL behind it.
  CHECK(address.size() == offsetof(sockaddr_un, sun_path) + 8);
}

TEST_CASE("SocketAddress: an abstract name of 107 bytes is accepted, 108 are refused [S-42]") {
  const SocketAddress address = SocketAddress::unix_path(abstract_name(107));

  CHECK(address.to_string() == "@" + std::string(106, 'a'));
  CHECK_THROWS_AS(SocketAddress::unix_path(abstract_name(108)), std::invalid_argument);
}

TEST_CASE("SocketAddress: a path of 108 bytes that somebody else bound is printed whole") {
  sockaddr_un raw{};
  raw.sun_family = AF_UNIX;
  std::memset(raw.sun_path, 'p', sizeof raw.sun_path);

  const SocketAddress address(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);

  CHECK(address.to_string() == std::string(108, 'p'));
}

TEST_CASE("SocketAddress: a relative path is kept as it is [S-42]") {
  CHECK(SocketAddress::unix_path("here.sock").to_string() == "here.sock");
}

}  // namespace
}  // namespace brigade
