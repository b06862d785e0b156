#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "brigade/net/server.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
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

Task<void> wait_closed(Server& server) { co_await server.wait_closed(); }
Task<void> serve(Server& server) { co_await server.serve_forever(); }

TEST_CASE("Server: after close() a connect is refused, and clients are served on [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const SocketAddress address = address_of(server);
    const Socket client = connect_to(address);
    const bool before = co_await is_echoed(client);

    server.close();
    const int refusal = refusal_of(address);
    const bool after = co_await is_echoed(client);

    CHECK(before);
    CHECK(refusal == ECONNREFUSED);
    CHECK(after);
    CHECK(refusal_of(address) == ECONNREFUSED);
    server.close();
    server.close();
    CHECK(server.connections() == 1);
  });
}

TEST_CASE("Server: the destructor closes, and clients are served on [S-25]") {
  run_async_real([]() -> Task<void> {
    Socket client;
    SocketAddress address;
    {
      const Server server = co_await echo_server();
      address = address_of(server);
      client = connect_to(address);
      const bool echoed = co_await is_echoed(client);
      CHECK(echoed);
    }

    const bool still = co_await is_echoed(client);

    CHECK(still);
    CHECK(refusal_of(address) == ECONNREFUSED);
  });
}

TEST_CASE("Server: close() with clients in the backlog ends each of them [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    std::vector<Socket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect_to(address_of(server)));

    server.close();  // None has been accepted.

    for (const Socket& client : clients) {
      const int error = co_await end_of(client);
      CHECK((error == 0 || error == ECONNRESET));
    }
    co_await server.wait_closed();
    CHECK(server.connections() == 0);
  });
}

TEST_CASE("Server: wait_closed() waits for close() and for the last client [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const Socket first = connect_to(address_of(server));
    const Socket second = connect_to(address_of(server));
    co_await until_connections(server, 2);
    const TaskHandle<void> waiting = spawn(wait_closed(server));
    co_await sleep(1ms);
    CHECK_FALSE(waiting.done());

    server.close();
    end_writing(first);
    co_await until_connections(server, 1);
    CHECK_FALSE(waiting.done());
    end_writing(second);
    co_await waiting;

    CHECK(server.connections() == 0);
  });
}

TEST_CASE("Server: wait_closed() without clients returns at close(), also twice [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const TaskHandle<void> first = spawn(wait_closed(server));
    const TaskHandle<void> second = spawn(wait_closed(server));
    co_await yield_now();

    server.close();
    co_await first;
    co_await second;
    co_await server.wait_closed();

    CHECK(server.connections() == 0);
  });
}

TEST_CASE("Server: a cancelled wait_closed() only stops waiting [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const TaskHandle<void> waiting = spawn(wait_closed(server));
    co_await yield_now();

    waiting.cancel();
    co_await wait_done(waiting);
    const Socket client = connect_to(address_of(server));
    const bool echoed = co_await is_echoed(client);

    CHECK(waiting.status() == TaskStatus::kCancelled);
    CHECK(echoed);
  });
}

TEST_CASE("Server: serve_forever() serves until it is cancelled, and that closes [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const SocketAddress address = address_of(server);
    const TaskHandle<void> serving = spawn(serve(server));
    const Socket client = connect_to(address);
    const bool echoed = co_await is_echoed(client);

    serving.cancel();
    co_await wait_done(serving);

    CHECK(echoed);
    CHECK(serving.status() == TaskStatus::kCancelled);
    CHECK(refusal_of(address) == ECONNREFUSED);
  });
}

TEST_CASE("Server: serve_forever() returns at close() [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const TaskHandle<void> serving = spawn(serve(server));
    co_await yield_now();

    server.close();
    co_await wait_done(serving);

    CHECK(serving.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("Server: a handler may close its own server [S-25]") {
  static Server* own = nullptr;
  run_async_real([]() -> Task<void> {
    StreamHandler handler = [](StreamReader, StreamWriter) -> Task<void> {
      own->close();
      co_return;
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    own = &server;
    const SocketAddress address = address_of(server);
    const Socket client = connect_to(address);

    co_await server.wait_closed();

    CHECK(refusal_of(address) == ECONNREFUSED);
  });
}

TEST_CASE("Server: one that was moved serves on; assignment closes the old one") {
  run_async_real([]() -> Task<void> {
    Server first = co_await echo_server();
    Server second = co_await echo_server();
    const SocketAddress old = address_of(second);

    Server moved(std::move(first));
    second = std::move(moved);
    const Socket client = connect_to(address_of(second));
    const bool echoed = co_await is_echoed(client);

    CHECK(echoed);
    CHECK(refusal_of(old) == ECONNREFUSED);
  });
}

Task<void> serve_with_clients(std::vector<Socket>& clients) {
  Server server = co_await echo_server();
  for (int i = 0; i < 5; ++i) clients.push_back(connect_to(address_of(server)));
  co_await until_connections(server, 5);
  clients.push_back(connect_to(address_of(server)));  // One in the backlog.
  co_await server.serve_forever();
}

TEST_CASE("Loop: close() ends a server, its clients and its accept") {
  std::vector<Socket> clients;
  Loop loop(loop_options());
  const TaskHandle<void> serving = loop.spawn(serve_with_clients(clients));
  while (clients.size() < 6) loop.run_once();

  loop.close();

  CHECK(serving.status() == TaskStatus::kCancelled);
  CHECK(loop.ledger().tasks == 0);
  CHECK(loop.ledger().operations == 0);
  CHECK(loop.ledger().descriptors == clients.size());
  clients.clear();
  CHECK(loop.ledger().descriptors == 0);
}

}  // namespace
}  // namespace brigade
