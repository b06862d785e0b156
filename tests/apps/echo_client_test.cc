// Drives the real echo_client.
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "brigade/tests/net/sockets.h"
#include "doctest/doctest.h"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

// Of all but the last, which tells the time: the order in which answers come is not told.
std::vector<std::string> sorted_lines(const std::string& output) {
  std::istringstream stream(output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  REQUIRE(!lines.empty());
  CHECK(lines.back().starts_with("total time: "));
  CHECK(lines.back().ends_with(" s"));
  lines.pop_back();
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST_CASE("echo_client: prints what it sends, what it receives and the time") {
  const EchoServer server;

  const Ended client = run_client("--count 2 --message 'Good day' --port " + server.port());

  CHECK(client.exit_code == 0);
  CHECK(sorted_lines(client.output) ==
        std::vector<std::string>{"received: Good day 0", "received: Good day 1", "sent: Good day 0",
                                 "sent: Good day 1"});
}

TEST_CASE("echo_client: --verbose begins with what the loop asks the kernel by") {
  const EchoServer server;
  const std::string back_end = std::getenv("BRIGADE_BACKEND");

  const Ended client = run_client("--count 1 --verbose --port " + server.port());

  CHECK(client.exit_code == 0);
  CHECK(client.output.starts_with(back_end));
}

TEST_CASE("echo_client: 200 clients at once") {
  const EchoServer server;

  const Ended client = run_client("--count 200 --port " + server.port());

  CHECK(client.exit_code == 0);
  CHECK(sorted_lines(client.output).size() == 400);
}

TEST_CASE("echo_client: is answered by asyncio") {
  Background server("python3 tests/apps/asyncio_server.py");
  const std::string port = server.line_with("");

  const Ended client = run_client("--count 20 --port " + port);

  CHECK(client.exit_code == 0);
  CHECK(sorted_lines(client.output).size() == 40);
}

TEST_CASE("echo_client: an answer that ends early is named") {
  for (const std::string answer : {"", "Hel"}) {
    Background server("python3 tests/apps/asyncio_server.py " + std::to_string(answer.size()));
    const std::string port = server.line_with("");

    const Ended client = run_client("--count 1 --port " + port);

    CHECK(client.exit_code == 1);
    CHECK(contains(client.output, "echo_client: sent 'Hello 0' but received '" + answer + "'\n"));
    CHECK(!contains(client.output, "total time"));
  }
}

TEST_CASE("echo_client: a connection that breaks is named") {
  const Socket listener = listen_at(loopback());
  const SocketAddress address = listener.local_address();
  Background client("apps/echo_client --count 1 --port " + std::to_string(address.port()));

  Socket accepted = accept_from(listener);
  CHECK(receive_rest(accepted) == "Hello 0");
  reset(accepted);

  const Ended ended = client.wait();
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "echo_client: read from "));
  CHECK(contains(ended.output, ": Connection reset by peer\n"));
}

TEST_CASE("echo_client: a server that is not there is named") {
  const Socket nobody_listens = bound_to(loopback());
  const std::string address = nobody_listens.local_address().to_string();

  const Ended refused = run_client("--port " + address.substr(address.rfind(':') + 1));
  CHECK(refused.exit_code == 1);
  CHECK(refused.output == "echo_client: connect to " + address + ": Connection refused\n");

  const Ended no_file = run_client("--unix /nowhere/s");
  CHECK(no_file.exit_code == 1);
  CHECK(no_file.output == "echo_client: connect to /nowhere/s: No such file or directory\n");
}

}  // namespace
}  // namespace brigade
