// Drives the real echo_load, against the real echo_server and against servers that do wrong.
#include <sys/socket.h>

#include <chrono>
#include <string>

#include "brigade/tests/net/sockets.h"
#include "doctest/doctest.h"
#include "nlohmann/json.hpp"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

using nlohmann::json;

// What echo_load says at last; it must have succeeded.
json load(const std::string& options) {
  const Ended ended = run_program("apps/echo_load --warm-up 10ms " + options);
  INFO(ended.output);
  REQUIRE(ended.exit_code == 0);
  REQUIRE(ended.output.starts_with("{\"connections\": "));
  return json::parse(ended.output.substr(ended.output.find('\n')));
}

// A server of one client, whose requests have 8 bytes; it answers as the test says.
class OneClient {
 public:
  explicit OneClient(const std::string& options = "")
      : listener_(listen_at(loopback())),
        load_("apps/echo_load --size 8 --port " + std::to_string(listener_.local_address().port()) +
              " " + options),
        client_(accept_from(listener_)) {}

  std::string requests(std::size_t count) const { return receive_exactly(client_, 8 * count); }
  void answer(const std::string& bytes) const { send_fully(client_, bytes); }
  std::string rest() const { return receive_rest(client_); }
  void close() { client_.reset(); }
  Ended wait() { return load_.wait(); }

 private:
  Socket listener_;
  Background load_;
  Socket client_;
};

TEST_CASE("echo_load: counts the requests that were answered, and how long they took") {
  const EchoServer server;

  const json told = load("--connections 8 --time 100ms --port " + server.port());

  CHECK(told["requests"] > 0);
  CHECK(told["seconds"] >= 0.1);
  CHECK(told["p50_ns"] > 0);
  CHECK(told["p50_ns"] <= told["p99_ns"]);
  CHECK(told["p99_ns"] <= told["p99.9_ns"]);
  CHECK(!told.contains("server_cpu_ns"));
}

TEST_CASE("echo_load: tells what a request costs the server") {
  const EchoServer server;

  // Long enough for a kernel that counts in ticks of 10 ms.
  const json told = load("--time 500ms --port " + server.port() + " --server-pid " +
                         std::to_string(server.pid()));

  CHECK(told["server_cpu_ns"] > 0);
  CHECK(told["server_user_ns"] >= 0);
}

TEST_CASE("echo_load: has many requests of any size under way") {
  const EchoServer server;

  const json told =
      load("--connections 3 --in-flight 16 --size 5000 --time 50ms --port " + server.port());
  const json busy = load("--time 50ms --busy-poll 50us --port " + server.port());

  CHECK(told["requests"] > 0);
  CHECK(busy["requests"] > 0);
}

TEST_CASE("echo_load: sends as many requests as may be under way, and one more for each answer") {
  OneClient server("--in-flight 3");
  server.answer(server.requests(1));  // A first one by itself shows that the server is there.

  const std::string three = server.requests(3);
  server.answer(three.substr(0, 16));
  const std::string two = server.requests(2);

  CHECK(three.size() == 24);
  CHECK(two.size() == 16);
  CHECK(two != three.substr(0, 16));
}

TEST_CASE("echo_load: a request can have a connection of its own") {
  OneClient server("--reconnect");

  server.answer(server.requests(1));

  CHECK(server.rest() == "");
}

TEST_CASE("echo_load: many connections, each of one request") {
  const EchoServer server;

  const json told = load("--reconnect --connections 4 --time 50ms --port " + server.port());

  CHECK(told["requests"] > 0);
}

TEST_CASE("echo_load: at a fixed rate, sends no more than that") {
  const EchoServer server;

  const auto start = std::chrono::steady_clock::now();

  const json told = load("--rate 200 --connections 4 --time 200ms --port " + server.port());

  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  CHECK(told["requests"] > 0);
  CHECK(told["requests"] <= 1 + 200 * elapsed.count());
}

TEST_CASE("echo_load: a server that is too slow for the rate makes the requests late") {
  const EchoServer server("--delay 20ms");  // 50 answers per second.

  const json told = load("--rate 200 --time 400ms --port " + server.port());

  CHECK(told["p99_ns"] > 150'000'000);  // An answer that is waited for takes 20 ms.
}

TEST_CASE("echo_load: holds connections, each of which has been served, until it is told to end") {
  const EchoServer server;

  const Ended ended =
      run_program("echo | apps/echo_load --hold --connections 20 --port " + server.port());

  CHECK(ended.exit_code == 0);
  CHECK(ended.output == "{\"connections\": 20}\n");
}

TEST_CASE("echo_load: sees a byte that is not what was sent") {
  OneClient server;
  std::string answer = server.requests(1);
  answer.back() = static_cast<char>(answer.back() ^ 1);

  server.answer(answer);

  const Ended ended = server.wait();
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "echo_load: other bytes came back\n"));
}

TEST_CASE("echo_load: sees a byte too many") {
  OneClient server;

  server.answer(server.requests(1) + "!");

  const Ended ended = server.wait();
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "echo_load: more bytes came back than were sent\n"));
}

TEST_CASE("echo_load: sees a connection that ends") {
  OneClient server;
  server.requests(1);  // With an unread one it would be a reset.

  server.close();

  const Ended ended = server.wait();
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "echo_load: the server closed a connection\n"));
}

TEST_CASE("echo_load: refuses options that mean nothing together") {
  CHECK(run_program("apps/echo_load --rate 10 --in-flight 2").exit_code == 2);
  CHECK(run_program("apps/echo_load --reconnect --rate 10").exit_code == 2);
  CHECK(run_program("apps/echo_load --hold --reconnect").exit_code == 2);
  CHECK(run_program("apps/echo_load --rate 0").exit_code == 2);
}

}  // namespace
}  // namespace brigade
