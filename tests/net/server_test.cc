#include "brigade/net/server.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/runtime/check.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/fake_host.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<Server> echo_server() { return start_server(&echo, "127.0.0.1", 0); }

SocketAddress address_of(const Server& server) { return server.addresses().at(0); }

// A raw client sends and gets back.
Task<bool> is_echoed(const UniqueFd& client) {
  send_raw(client, "ping");
  std::string answer;
  while (answer.size() < 4) {
    const std::string part = co_await receive_some(client);
    if (part.empty()) break;
    answer += part;
  }
  co_return answer == "ping";
}

Task<void> until_connections(const Server& server, std::size_t count) {
  while (server.connections() != count) co_await sleep(1ms);
}

Task<void> wait_closed(Server& server) { co_await server.wait_closed(); }
Task<void> serve(Server& server) { co_await server.serve_forever(); }
Task<void> start_at(std::uint16_t port) { co_await start_server(&echo, "127.0.0.1", port); }

Task<void> say_bye(StreamReader, StreamWriter writer) {
  writer.write("bye");
  co_return;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

TEST_CASE("Server: each client is served in a task of its own") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await echo_server();
    const UniqueFd first = connect_to(address_of(server));
    const UniqueFd second = connect_to(address_of(server));

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
      const UniqueFd client = connect_to(address);
      const bool echoed = co_await is_echoed(client);
      CHECK(echoed);
    }
  });
}

TEST_CASE("Server: an empty host listens on IPv4 and IPv6 at the same port [S-40]") {
  run_async_real([]() -> Task<void> {
    UniqueFd free_port = bound_to(loopback());
    const std::uint16_t port = SocketAddress::local_of(free_port.get()).port();
    free_port.reset();

    const Server server = co_await start_server(&echo, "", port);

    for (const SocketAddress& address : {loopback(port), loopback6(port)}) {
      const UniqueFd client = connect_to(address);
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
    const UniqueFd client = connect_to(address_of(server));
    const bool echoed = co_await is_echoed(client);
    CHECK(echoed);
  });
}

TEST_CASE("Server: one that cannot listen at all its addresses listens at none [S-41]") {
  run_async_real([]() -> Task<void> {
    const FakeHost host("two.test", {"127.0.0.1", "::1"});
    const UniqueFd taken = listen_at(loopback6());
    const std::uint16_t port = SocketAddress::local_of(taken.get()).port();
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
    const UniqueFd client = connect_to(address_of(server));
    const std::string received = co_await receive_all(client);  // The server has closed first.
    server.close();
    co_await server.wait_closed();

    const std::string thrown = co_await thrown_by(start_at(port));

    CHECK(received == "bye");
    CHECK(thrown == "nothing");
  });
}

Task<void> fail_on_x(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string_view bytes = co_await reader.read(100);
    if (bytes.empty()) co_return;
    if (bytes == "x") throw std::runtime_error("I do not like x");
    writer.write(bytes);
  }
}

TEST_CASE("Server: a handler that throws ends its connection alone, and is reported once [S-24]") {
  static std::vector<std::string> reports;
  reports.clear();
  LoopOptions options;
  options.on_unhandled_error = [](const TaskRef& task) { reports.push_back(task.name()); };
  run_async_real(
      []() -> Task<void> {
        const Server server = co_await start_server(&fail_on_x, "127.0.0.1", 0);
        const UniqueFd failing = connect_to(address_of(server));
        const UniqueFd other = connect_to(address_of(server));
        const std::string name = SocketAddress::local_of(failing.get()).to_string();

        send_raw(failing, "x");
        const int end = co_await end_of(failing);
        co_await until_connections(server, 1);
        const bool other_served = co_await is_echoed(other);
        const UniqueFd later = connect_to(address_of(server));
        const bool later_served = co_await is_echoed(later);

        CHECK(end == 0);
        CHECK(other_served);
        CHECK(later_served);
        REQUIRE(reports.size() == 1);
        CHECK(reports[0] == "connection " + name);
      },
      options);
  CHECK(reports.size() == 1);
}

TEST_CASE("Server: what a handler wrote before it threw still goes out [S-24]") {
  LoopOptions options;
  options.on_unhandled_error = [](const TaskRef&) {};
  run_async_real(
      []() -> Task<void> {
        StreamHandler handler = [](StreamReader, StreamWriter writer) -> Task<void> {
          writer.write("sorry");
          throw std::runtime_error("out of stock");
          co_return;
        };
        const Server server = co_await start_server(handler, "127.0.0.1", 0);
        const UniqueFd client = connect_to(address_of(server));

        const std::string received = co_await receive_all(client);

        CHECK(received == "sorry");
      },
      options);
}

TEST_CASE("Server: a handler that ends closes its connection") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await start_server(&say_bye, "127.0.0.1", 0);
    const UniqueFd client = connect_to(address_of(server));

    const std::string received = co_await receive_all(client);

    CHECK(received == "bye");
    co_await until_connections(server, 0);
  });
}

// Connects to a server of `handler`, which turns clients away, and sees the end.
Task<void> be_turned_away(StreamHandler handler) {
  const Server server = co_await start_server(std::move(handler), "127.0.0.1", 0);
  const UniqueFd client = connect_to(address_of(server));
  const int result = co_await end_of(client);
  check(result == 0 && server.connections() == 0, "the connection ended");
}

// Not coroutines: they throw before there is a task.
Task<void> throw_at_once(StreamReader, StreamWriter) {
  throw std::runtime_error("closed on Mondays");
}
Task<void> throw_a_number(StreamReader, StreamWriter) { throw 42; }

TEST_CASE("Server: a plain function that throws before it made a task turns the client away [S-24]") {
  const ChildEnd end = run_in_child([] { run(be_turned_away(&throw_at_once)); });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, "closed on Mondays"));
}

TEST_CASE("Server: a plain function that throws no std::exception does not end the program [S-24]") {
  const ChildEnd end = run_in_child([] { run(be_turned_away(&throw_a_number)); });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("Server: a client that was reset before it was accepted harms nobody [S-45]") {
  LoopOptions options;
  options.on_unhandled_error = [](const TaskRef&) {};  // Its first read fails: that is right.
  run_async_real(
      []() -> Task<void> {
        const Server server = co_await echo_server();
        for (int i = 0; i < 20; ++i) {
          UniqueFd gone = connect_to(address_of(server));
          reset(gone);
        }
        const UniqueFd client = connect_to(address_of(server));

        const bool echoed = co_await is_echoed(client);
        co_await until_connections(server, 1);

        CHECK(echoed);
      },
      options);
}

TEST_CASE("Server: 500 clients at once are all served [S-22]") {
  run_async_real([]() -> Task<void> {
    const Server server = co_await echo_server();
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 500; ++i) clients.push_back(connect_to(address_of(server)));

    int served = 0;
    for (const UniqueFd& client : clients) {
      const bool echoed = co_await is_echoed(client);
      if (echoed) ++served;
    }

    CHECK(served == 500);
    CHECK(server.connections() == 500);
  });
}

TEST_CASE("Server: after close() a connect is refused, and clients are served on [S-25]") {
  run_async_real([]() -> Task<void> {
    Server server = co_await echo_server();
    const SocketAddress address = address_of(server);
    const UniqueFd client = connect_to(address);
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
    UniqueFd client;
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
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect_to(address_of(server)));

    server.close();  // None has been accepted.

    for (const UniqueFd& client : clients) {
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
    const UniqueFd first = connect_to(address_of(server));
    const UniqueFd second = connect_to(address_of(server));
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
    const UniqueFd client = connect_to(address_of(server));
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
    const UniqueFd client = connect_to(address);
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
    const UniqueFd client = connect_to(address);

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
    const UniqueFd client = connect_to(address_of(second));
    const bool echoed = co_await is_echoed(client);

    CHECK(echoed);
    CHECK(refusal_of(old) == ECONNREFUSED);
  });
}

Task<void> serve_with_clients(std::vector<UniqueFd>& clients) {
  Server server = co_await echo_server();
  for (int i = 0; i < 5; ++i) clients.push_back(connect_to(address_of(server)));
  co_await until_connections(server, 5);
  clients.push_back(connect_to(address_of(server)));  // One in the backlog.
  co_await server.serve_forever();
}

TEST_CASE("Loop: close() ends a server, its clients and its accept") {
  std::vector<UniqueFd> clients;
  Loop loop;
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

// [S-20], in a child: uses up the descriptors, and looks at what becomes of the server.
Task<void> run_out_of_descriptors() {
  Server server = co_await echo_server();
  const UniqueFd client = connect_to(address_of(server));
  const bool served_before = co_await is_echoed(client);
  check(served_before, "the first client is served");

  std::vector<UniqueFd> pending;
  for (int i = 0; i < 3; ++i) pending.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<UniqueFd> hoard;
  for (;;) {
    UniqueFd fd(::dup(0));
    if (!fd) break;
    hoard.push_back(std::move(fd));
  }
  check(errno == EMFILE, "the descriptors are used up");
  const SocketAddress address = address_of(server);
  for (const UniqueFd& fd : pending)
    check(::connect(fd.get(), address.data(), address.size()) == 0, "a connect into the backlog");

  const std::clock_t cpu_before = std::clock();
  int served = 0;
  for (int i = 0; i < 60; ++i) {  // 0.6 s: several pauses.
    co_await sleep(10ms);
    const bool echoed = co_await is_echoed(client);
    if (echoed) ++served;
  }
  const double cpu = static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
  check(served == 60, "the existing client is served on");
  check(server.connections() == 1, "nobody else was accepted");
  check(cpu < 0.2, "the loop does not spin");  // Spinning costs all of the 0.6 s.

  hoard.clear();
  for (const UniqueFd& fd : pending) {
    const bool echoed = co_await is_echoed(fd);
    check(echoed, "the pending clients are served when descriptors are back");
  }
  server.close();
}

TEST_CASE("Server: out of descriptors it pauses, and serves the pending clients later [S-20]") {
  const ChildEnd end = run_in_child([] {
    const rlimit limit{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    run(run_out_of_descriptors());
  });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, "paused"));
  std::size_t lines = 0;
  for (const char c : end.errors) lines += c == '\n' ? 1 : 0;
  CHECK(lines <= 3);  // At most one a second.
}

Task<void> close_while_paused() {
  Server server = co_await echo_server();
  const SocketAddress address = address_of(server);
  const UniqueFd pending(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<UniqueFd> hoard;
  for (;;) {
    UniqueFd fd(::dup(0));
    if (!fd) break;
    hoard.push_back(std::move(fd));
  }
  check(::connect(pending.get(), address.data(), address.size()) == 0, "a connect");
  co_await sleep(20ms);

  server.close();
  co_await server.wait_closed();
  hoard.clear();
  co_await sleep(200ms);
  check(refusal_of(address) == ECONNREFUSED, "closed for good");
}

TEST_CASE("Server: close() while it pauses for descriptors closes it for good [S-20]") {
  const ChildEnd end = run_in_child([] {
    const rlimit limit{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    run_async_real(&close_while_paused);
  });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, "paused"));
}

}  // namespace
}  // namespace brigade
