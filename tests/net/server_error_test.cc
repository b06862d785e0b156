#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/net/server.h"
#include "brigade/runtime/check.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<Server> echo_server() { return start_server(&echo, "127.0.0.1", 0); }

SocketAddress address_of(const Server& server) { return server.addresses().at(0); }

Task<void> until_connections(const Server& server, std::size_t count) {
  while (server.connections() != count) co_await sleep(1ms);
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
        const Socket failing = connect_to(address_of(server));
        const Socket other = connect_to(address_of(server));
        const std::string name = failing.local_address().to_string();

        send_raw(failing, "x");
        const int end = co_await end_of(failing);
        co_await until_connections(server, 1);
        const bool other_served = co_await is_echoed(other);
        const Socket later = connect_to(address_of(server));
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
        const Socket client = connect_to(address_of(server));

        const std::string received = co_await receive_all(client);

        CHECK(received == "sorry");
      },
      options);
}

// Connects to a server of `handler`, which turns clients away, and sees the end.
Task<void> be_turned_away(StreamHandler handler) {
  const Server server = co_await start_server(std::move(handler), "127.0.0.1", 0);
  const Socket client = connect_to(address_of(server));
  const int result = co_await end_of(client);
  check(result == 0 && server.connections() == 0, "the connection ended");
}

// Not coroutines: they throw before there is a task.
Task<void> throw_at_once(StreamReader, StreamWriter) {
  throw std::runtime_error("closed on Mondays");
}
Task<void> throw_a_number(StreamReader, StreamWriter) { throw 42; }

TEST_CASE(
    "Server: a plain function that throws before it made a task turns the client away [S-24]") {
  const ChildEnd end = run_in_child([] { run(be_turned_away(&throw_at_once)); });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, "closed on Mondays"));
}

TEST_CASE(
    "Server: a plain function that throws no std::exception does not end the program [S-24]") {
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
          Socket gone = connect_to(address_of(server));
          reset(gone);
        }
        const Socket client = connect_to(address_of(server));

        const bool echoed = co_await is_echoed(client);
        co_await until_connections(server, 1);

        CHECK(echoed);
      },
      options);
}

std::vector<UniqueFd> all_descriptors() {
  std::vector<UniqueFd> hoard;
  for (;;) {
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    if (!fd) break;
    hoard.push_back(std::move(fd));
  }
  check(errno == EMFILE, "the descriptors are used up");
  return hoard;
}

// [S-20], in a child: uses up the descriptors, and looks at what becomes of the server.
Task<void> run_out_of_descriptors() {
  Server server = co_await echo_server();
  const Socket client = connect_to(address_of(server));
  const bool served_before = co_await is_echoed(client);
  check(served_before, "the first client is served");

  std::vector<Socket> pending;
  for (int i = 0; i < 3; ++i)
    check(pending.emplace_back(this_loop()).open(AF_INET) >= 0, "a client");
  std::vector<UniqueFd> hoard = all_descriptors();
  const SocketAddress address = address_of(server);
  for (const Socket& fd : pending) check(fd.connect(address) == 0, "a connect into the backlog");

  int served = 0;
  for (int i = 0; i < 60; ++i) {  // 0.6 s: several pauses.
    co_await sleep(10ms);
    const bool echoed = co_await is_echoed(client);
    if (echoed) ++served;
  }
  check(served == 60, "the existing client is served on");
  check(server.connections() == 1, "nobody else was accepted");

  hoard.clear();
  for (const Socket& fd : pending) {
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

// Closes and destroys a server in the middle of its pause.
Task<void> close_while_paused() {
  SocketAddress address;
  Socket pending(this_loop());
  check(pending.open(AF_INET) >= 0, "a client");
  std::vector<UniqueFd> hoard;
  {
    Server server = co_await echo_server();
    address = address_of(server);
    hoard = all_descriptors();
    check(pending.connect(address) == 0, "a connect");
    co_await sleep(20ms);
    server.close();
    co_await server.wait_closed();
  }

  hoard.clear();
  co_await sleep(200ms);  // The pause would be over.
  check(refusal_of(address) == ECONNREFUSED, "closed for good");
}

TEST_CASE("Server: close() while it pauses for descriptors closes it for good [S-20]") {
  const ChildEnd end = run_in_child([] {
    const rlimit limit{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (is_simulated()) ::unsetenv("BRIGADE_TEST_BACKEND");  // Its descriptors never run out.
    run_async_real(&close_while_paused);
  });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, "paused"));
}

}  // namespace
}  // namespace brigade
