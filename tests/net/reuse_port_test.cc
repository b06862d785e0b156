// Servers that share a port: what the kernel makes of SO_REUSEPORT.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/net/server.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr ServerOptions kShared{.reuse_port = true};

std::uint16_t port_of(const Server& server) { return server.addresses().at(0).port(); }

// 0, or the errno with which a server cannot listen there.
Task<int> error_of(std::uint16_t port, ServerOptions options) {
  try {
    co_await start_server(&echo, "127.0.0.1", port, options);
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

TEST_CASE("Server: two that say reuse_port listen on one port, and both get clients") {
  run_async_real([]() -> Task<void> {
    const Server one = co_await start_server(&echo, "127.0.0.1", 0, kShared);
    const Server other = co_await start_server(&echo, "127.0.0.1", port_of(one), kShared);
    std::vector<Socket> clients;

    // Each client comes from a port of its own: that all of 100 have one hash is out of the
    // question.
    for (int i = 0; i < 100; ++i) clients.push_back(connect_to(one.addresses()[0]));
    bool all_served = true;
    for (const Socket& client : clients) {
      const bool echoed = co_await is_echoed(client);
      all_served = all_served && echoed;
    }

    CHECK(all_served);
    CHECK(one.connections() > 0);
    CHECK(other.connections() > 0);
    CHECK(one.connections() + other.connections() == 100);
  });
}

TEST_CASE("Server: when one of two on a port closes, new clients are the other's") {
  run_async_real([]() -> Task<void> {
    Server one = co_await start_server(&echo, "127.0.0.1", 0, kShared);
    const Server other = co_await start_server(&echo, "127.0.0.1", port_of(one), kShared);
    std::vector<Socket> clients;

    one.close();
    bool all_served = true;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(connect_to(other.addresses()[0]));
      const bool echoed = co_await is_echoed(clients.back());
      all_served = all_served && echoed;
    }

    CHECK(all_served);
    CHECK(other.connections() == 20);
  });
}

TEST_CASE("Server: a port is shared only if both say so, else EADDRINUSE [S-41]") {
  run_async_real([]() -> Task<void> {
    const Server shared = co_await start_server(&echo, "127.0.0.1", 0, kShared);
    const Server alone = co_await start_server(&echo, "127.0.0.1", 0);

    const int late = co_await error_of(port_of(shared), ServerOptions());
    const int early = co_await error_of(port_of(alone), kShared);

    CHECK(late == EADDRINUSE);
    CHECK(early == EADDRINUSE);
  });
}

}  // namespace
}  // namespace brigade
