// How the real echo_server ends.
#include <csignal>
#include <string>
#include <vector>

#include "brigade/tests/net/sockets.h"
#include "doctest/doctest.h"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

// That it was not given up, after 5 s, shows in the empty output.
void check_clean_end(Background& server) {
  const Ended ended = server.wait();
  CHECK(ended.exit_code == 0);
  CHECK(ended.output == "");
}

// Signals, and waits until the signal was taken.
void stop(const EchoServer& server, int number) {
  server.signal(number);
  wait_until_refused(server.address());
}

TEST_CASE("echo_server: SIGINT and SIGTERM end it with 0") {
  for (const int number : {SIGINT, SIGTERM}) {
    EchoServer server;

    server.signal(number);

    check_clean_end(server);
  }
}

TEST_CASE("echo_server: an idle client is let go when it stops") {
  EchoServer server;
  const Socket silent = server.connect();
  const Socket served = server.connect();
  send_fully(served, "x");
  CHECK(receive_exactly(served, 1) == "x");

  server.signal(SIGTERM);

  CHECK(receive_rest(silent) == "");
  CHECK(receive_rest(served) == "");
  check_clean_end(server);
}

TEST_CASE("echo_server --blocking: idle clients in the queue are let go when it stops") {
  EchoServer server("--blocking");
  std::vector<Socket> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(server.connect());
  send_fully(clients[0], "x");
  CHECK(receive_exactly(clients[0], 1) == "x");

  server.signal(SIGTERM);

  check_clean_end(server);
}

TEST_CASE("echo_server: a request in its delay is answered before it stops") {
  EchoServer server("--verbose --delay 300ms");
  const Socket client = server.connect();
  send_fully(client, "in flight");
  server.line_with("9 bytes from ");

  stop(server, SIGTERM);

  CHECK(receive_rest(client) == "in flight");
  check_clean_end(server);
}

TEST_CASE("echo_server: a request that it has read only the beginning of is answered in full") {
  EchoServer server("--verbose --delay 100ms");
  const Socket client = server.connect();
  const std::string message = counter_bytes(0, 60000);
  send_fully(client, message);
  server.line_with("bytes from ");

  stop(server, SIGTERM);

  CHECK((receive_rest(client) == message));
  CHECK(server.wait().exit_code == 0);
}

TEST_CASE("echo_server --blocking: the requests in the queue are answered before it stops") {
  EchoServer server("--once --blocking --verbose --delay 100ms");
  std::vector<Socket> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(server.connect());
  for (const Socket& client : clients) send_fully(client, "queued");
  server.line_with("6 bytes from ");

  stop(server, SIGTERM);

  for (const Socket& client : clients) CHECK(receive_rest(client) == "queued");
  CHECK(server.wait().exit_code == 0);
}

TEST_CASE("echo_server --threads: requests in their delay are answered before it stops") {
  EchoServer server("--threads 3 --verbose --delay 300ms");
  for (int i = 1; i < 3; ++i) server.line_with("one more thread listens");
  std::vector<Socket> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(server.connect());
  for (const Socket& client : clients) send_fully(client, "in flight");
  for (int i = 0; i < 20; ++i) server.line_with("9 bytes from ");

  stop(server, SIGINT);

  for (const Socket& client : clients) CHECK(receive_rest(client) == "in flight");
  check_clean_end(server);
}

TEST_CASE("echo_server --threads: a second signal ends it at once") {
  for (const int number : {SIGINT, SIGTERM}) {
    EchoServer server("--threads 2 --verbose --delay 1h");
    server.line_with("one more thread listens");
    std::vector<Socket> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(server.connect());
    for (const Socket& client : clients) send_fully(client, "x");
    for (int i = 0; i < 20; ++i) server.line_with("1 bytes from ");

    stop(server, number);
    server.signal(number);

    CHECK(server.wait().exit_code == -1);
  }
}

TEST_CASE("echo_server: a second signal ends it at once") {
  for (const int number : {SIGINT, SIGTERM}) {
    EchoServer server("--verbose --delay 1h");
    const Socket client = server.connect();
    send_fully(client, "x");
    server.line_with("1 bytes from ");

    stop(server, number);
    server.signal(number);

    const Ended ended = server.wait();
    CHECK(ended.exit_code == -1);
    CHECK(ended.output == "");
  }
}

TEST_CASE("echo_server: what takes more than 5 s to finish is given up") {
  EchoServer server("--verbose --delay 1h");
  const Socket client = server.connect();
  send_fully(client, "x");
  server.line_with("1 bytes from ");

  server.signal(SIGTERM);

  const Ended ended = server.wait();
  CHECK(ended.exit_code == 0);
  CHECK(ended.output == "echo_server: clients given up after 5 s: 1\n");
  CHECK(receive_rest(client) == "");
}

}  // namespace
}  // namespace brigade
