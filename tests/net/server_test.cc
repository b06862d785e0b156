#include "brigade/net/server.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/net/fake_host.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<Server> echo_server() { return start_server(&echo, "127.0.0.1", 0); }

SocketAddress address_of(const Server& server) { return server.addresses().at(0); }

Task<void> until_connections(const Server& server, std::size_t count) {
  while (server.connections() != count) co_await sleep(1ms);
}

Task<void> start_at(std::uint16_t port) { co_await start_server(&echo, "127.0.0.1", port); }

Task<void> say_bye(StreamReader, StreamWriter writer) {
  writer.write("bye");
  co_return;
}

TEST_CASE("Server: each client is served in a task of its own") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await echo_server();
    const Socket first = connect_to(address_of(server));
    const Socket second = connect_to(address_of(server));

    const bool second_served = co_await is_echoed(second);
    const bool first_served = co_await is_echoed(first);

    CHECK(second_served);
    CHECK(first_served);
    CHECK(server.connections() == 2);
  });
}

TEST_CASE("Server: our own streams talk to it, over IPv4 and IPv6 [S-40]") {
  run_async_real([]() -> Task<void> {
    for (const char* host : {"127.0.0.1", "::1"}) {
      const Server server = co_await start_server(&echo, host, 0);

      auto [reader, writer] = co_await open_connection(host, address_of(server).port());
      const bool served = co_await is_served(reader, writer);

      CAPTURE(host);
      CHECK(served);
      CHECK(address_of(server).family() == writer.peer_address().family());
    }
  });
}

TEST_CASE("Server: a name with two addresses is listened to at both [S-40]") {
  run_async_real([]() -> Task<void> {
    const FakeHost host("two.test", {"127.0.0.1", "::1"});
    const Server server = co_await start_server(&echo, "two.test", 0);

    REQUIRE(server.addresses().size() == 2);
    for (const SocketAddress& address : server.addresses()) {
      const Socket client = connect_to(address);
      const bool echoed = co_await is_echoed(client);
      CHECK(echoed);
    }
  });
}

TEST_CASE("Server: an empty host listens on IPv4 and IPv6 at the same port [S-40]") {
  run_async_real([]() -> Task<void> {
    Socket free_port = bound_to(loopback());
    const std::uint16_t port = free_port.local_address().port();
    free_port.reset();

    const Server server = co_await start_server(&echo, "", port);

    for (const SocketAddress& address : {loopback(port), loopback6(port)}) {
      const Socket client = connect_to(address);
      const bool echoed = co_await is_echoed(client);
      CHECK(echoed);
    }
  });
}

TEST_CASE("Server: port 0 takes a free port and tells which [S-41]") {
  run_async_real([]() -> Task<void> {
    const Server first = co_await echo_server();
    const Server second = co_await echo_server();

    CHECK(address_of(first).port() != 0);
    CHECK(address_of(second).port() != 0);
    CHECK(address_of(first).port() != address_of(second).port());
  });
}

TEST_CASE("Server: a port in use is EADDRINUSE, with the address in the message [S-41]") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await echo_server();
    int code = 0;
    std::string message;

    try {
      co_await start_server(&echo, "127.0.0.1", address_of(server).port());
    } catch (const std::system_error& error) {
      code = error.code().value();
      message = error.what();
    }

    CHECK(code == EADDRINUSE);
    CHECK(contains(message, address_of(server).to_string()));
    const Socket client = connect_to(address_of(server));
    const bool echoed = co_await is_echoed(client);
    CHECK(echoed);
  });
}

TEST_CASE("Server: one that cannot listen at all its addresses listens at none [S-41]") {
  run_async_real([]() -> Task<void> {
    const FakeHost host("two.test", {"127.0.0.1", "::1"});
    const Socket taken = listen_at(loopback6());
    const std::uint16_t port = taken.local_address().port();
    int code = 0;

    try {
      co_await start_server(&echo, "two.test", port);
    } catch (const std::system_error& error) {
      code = error.code().value();
    }

    CHECK(code == EADDRINUSE);
    CHECK(refusal_of(loopback(port)) == ECONNREFUSED);
  });
}

TEST_CASE("Server: a port is free again as soon as it is closed, in spite of TIME_WAIT [S-41]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await start_server(&say_bye, "127.0.0.1", 0);
    const std::uint16_t port = address_of(server).port();
    const Socket client = connect_to(address_of(server));
    const std::string received = co_await receive_all(client);  // The server has closed first.
    server.close();
    co_await server.wait_closed();

    const std::string thrown = co_await thrown_by(start_at(port));

    CHECK(received == "bye");
    CHECK(thrown == "nothing");
  });
}

TEST_CASE("Server: 500 clients at once are all served [S-22]") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await echo_server();
    std::vector<Socket> clients;
    for (int i = 0; i < 500; ++i) clients.push_back(connect_to(address_of(server)));

    int served = 0;
    for (const Socket& client : clients) {
      const bool echoed = co_await is_echoed(client);
      if (echoed) ++served;
    }

    CHECK(served == 500);
    CHECK(server.connections() == 500);
  });
}

TEST_CASE("Server: a handler that ends closes its connection") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await start_server(&say_bye, "127.0.0.1", 0);
    const Socket client = connect_to(address_of(server));

    const std::string received = co_await receive_all(client);

    CHECK(received == "bye");
    co_await until_connections(server, 0);
  });
}

}  // namespace
}  // namespace brigade
