// Drives the real echo_server over raw sockets and with clients that others wrote.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/tests/net/sockets.h"
#include "doctest/doctest.h"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

// One message there and back.
bool is_echoed(const Socket& client, const std::string& message) {
  send_fully(client, message);
  return receive_exactly(client, message.size()) == message;
}

double total_seconds(const std::string& output) {
  const std::string label = "total time: ";
  return std::stod(output.substr(output.find(label) + label.size()));
}

// How often each thread has been given a processor: the third number of its schedstat.
std::map<std::string, long> times_run(const Background& server) {
  std::map<std::string, long> times;
  const std::string tasks = "/proc/" + std::to_string(server.pid()) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(tasks)) {
    std::ifstream file(thread.path() / "schedstat");
    long spent = 0;
    long waited = 0;
    file >> spent >> waited >> times[thread.path().filename()];
  }
  return times;
}

TEST_CASE("echo_server: sends back what comes until the client has ended") {
  const EchoServer server;
  const Socket client = server.connect();

  CHECK(is_echoed(client, "one"));
  CHECK(is_echoed(client, std::string("\0\n\xff", 3)));
  end_writing(client);

  CHECK(receive_rest(client) == "");
}

TEST_CASE("echo_server: a MiB of random bytes comes back as it was, then the end") {
  const EchoServer server;
  const Socket client = server.connect();
  std::mt19937 random = seeded_random();
  std::string bytes(1 << 20, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());

  const auto sent = std::async(std::launch::async, [&] {
    send_fully(client, bytes);
    end_writing(client);
  });

  CHECK((receive_rest(client) == bytes));  // In parentheses: or doctest prints it.
}

TEST_CASE("echo_server: 200 clients at once each get their own") {
  const EchoServer server;
  std::vector<Socket> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(server.connect());

  for (std::size_t i = 0; i < 200; ++i) send_fully(clients[i], "message " + std::to_string(i));

  for (std::size_t i = 200; i-- > 0;) {
    end_writing(clients[i]);
    CHECK(receive_rest(clients[i]) == "message " + std::to_string(i));
  }
}

TEST_CASE("echo_server: listens on IPv6") {
  const EchoServer server("", "::1");

  CHECK(is_echoed(server.connect(), "six"));
  CHECK(run_client("--host ::1 --port " + server.port()).exit_code == 0);
}

TEST_CASE("echo_server: a Unix socket is its user's alone, and gone behind it") {
  const ShortFolder folder;
  const std::string path = folder / "s";
  Background server("apps/echo_server --unix " + path);
  CHECK(server.line_with("listening on ") == "listening on " + path);

  struct stat file{};
  CHECK(::stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  CHECK(is_echoed(connect_to(SocketAddress::unix_path(path)), "local"));
  CHECK(run_client("--unix " + path).exit_code == 0);
  server.signal(SIGTERM);

  CHECK(server.wait().exit_code == 0);
  CHECK(::stat(path.c_str(), &file) != 0);
}

TEST_CASE("echo_server: a dead server's Unix socket is replaced, that of a live one is not") {
  const ShortFolder folder;
  const std::string path = folder / "s";
  const std::string command = "apps/echo_server --unix " + path;
  {
    Background killed(command);
    killed.line_with("listening on ");
  }
  wait_until_refused(SocketAddress::unix_path(path));
  Background server(command);
  server.line_with("listening on ");

  const Ended second = run_program(command);

  CHECK(second.exit_code == 1);
  CHECK(second.output == "echo_server: listen on " + path + ": Address already in use\n");
  CHECK(is_echoed(connect_to(SocketAddress::unix_path(path)), "still here"));
}

TEST_CASE("echo_server --once: answers what it read once, then closes") {
  const EchoServer server("--once");
  const Socket client = server.connect();
  const Socket chatty = server.connect();
  const std::string message = counter_bytes(0, 5000);

  send_fully(client, "Hello");
  send_fully(chatty, message);

  CHECK(receive_rest(client) == "Hello");
  const std::string answer = receive_rest(chatty);
  CHECK(answer.size() <= 4096);
  CHECK((!answer.empty() && answer == message.substr(0, answer.size())));
}

TEST_CASE("echo_server --delay: no answer comes early") {
  const EchoServer server("--delay 100ms");
  const Socket client = server.connect();

  const auto start = std::chrono::steady_clock::now();
  CHECK(is_echoed(client, "wait"));

  CHECK(std::chrono::steady_clock::now() - start >= 100ms);
}

TEST_CASE("echo_server: all of five requests are taken before the first answer") {
  EchoServer server("--once --verbose --delay 1h");
  const Background client("apps/echo_client --port " + server.port());

  for (int i = 0; i < 5; ++i) {
    const std::string line = server.line_with("bytes from ");
    CHECK(contains(line, "7 bytes from 127.0.0.1:"));
  }
}

TEST_CASE("echo_server --blocking: serves one after the other") {
  const EchoServer server("--once --blocking --delay 100ms");

  const Ended five = run_client("--port " + server.port());

  CHECK(five.exit_code == 0);
  CHECK(total_seconds(five.output) >= 0.5);
}

TEST_CASE("echo_server --threads: each of 200 clients is served, whichever thread has it") {
  EchoServer server("--threads 4 --verbose");
  for (int i = 1; i < 4; ++i) server.line_with("one more thread listens");
  const auto before = times_run(server);
  std::vector<Socket> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(server.connect());

  for (std::size_t i = 0; i < 200; ++i) CHECK(is_echoed(clients[i], std::to_string(i)));

  auto after = times_run(server);
  int served = 0;
  for (const auto& [thread, times] : before) served += after[thread] > times ? 1 : 0;
  CHECK(served == 4);
}

TEST_CASE("echo_server --threads: a port that is not shared is named, with the reason") {
  const EchoServer alone;
  const Ended ended = run_program("apps/echo_server --threads 2 --port " + alone.port());

  CHECK(ended.exit_code == 1);
  CHECK(ended.output ==
        "echo_server: listen on 127.0.0.1:" + alone.port() + ": Address already in use\n");
}

TEST_CASE("echo_server --busy-poll: answers as without") {
  const EchoServer server("--busy-poll 50us");

  CHECK(is_echoed(server.connect(), "one"));
}

TEST_CASE("echo_server: a client that resets amid its request harms no other") {
  EchoServer server("--verbose --delay 50ms");
  const Socket other = server.connect();
  CHECK(is_echoed(other, "before"));
  Socket client = server.connect();
  send_fully(client, "never answered");
  server.line_with("14 bytes from ");

  reset(client);

  CHECK(is_echoed(other, "after"));
  CHECK(is_echoed(server.connect(), "new"));
  server.signal(SIGTERM);
  CHECK(server.wait().exit_code == 0);
}

TEST_CASE("echo_server: answers socat") {
  const EchoServer server;

  const Ended socat = run_program("echo hello | socat - TCP:127.0.0.1:" + server.port());

  CHECK(socat.exit_code == 0);
  CHECK(socat.output == "hello\n");
}

TEST_CASE("echo_server: answers asyncio") {
  const EchoServer server;

  const Ended python = run_program("python3 tests/apps/asyncio_client.py " + server.port());

  CHECK(python.exit_code == 0);
  CHECK(python.output == "OK\n");
}

TEST_CASE("echo_server: what it cannot listen on is named, with the reason") {
  const EchoServer server;
  const auto failure = [](const std::string& options) {
    const Ended ended = run_program("apps/echo_server " + options);
    CHECK(ended.exit_code == 1);
    return ended.output;
  };

  CHECK(failure("--port " + server.port()) ==
        "echo_server: listen on 127.0.0.1:" + server.port() + ": Address already in use\n");
  CHECK(contains(failure("--host nowhere.invalid"), "resolve nowhere.invalid: "));
  CHECK(failure("--host 192.0.2.1") ==
        "echo_server: listen on 192.0.2.1:1234: Cannot assign requested address\n");
  CHECK(failure("--unix /nowhere/s") ==
        "echo_server: listen on /nowhere/s: No such file or directory\n");
  CHECK(contains(failure("--unix " + std::string(108, 'x')), "108 bytes: 1 to 107 are accepted"));
}

TEST_CASE("echo_server, echo_client: bad usage is named, with what is accepted") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> common = {
      {"--port 65536", {"--port", "65536", "0 to 65535"}},
      {"--port -1", {"--port", "-1", "0 to 65535"}},
      {"--port http", {"--port", "http", "0 to 65535"}},
      {"--port", {"--port", "[0 - 65535]"}},
      {"--unix ''", {"--unix", "a path", "''"}},
      {"--frob", {"--frob", "--help"}},
      {"surplus", {"surplus", "--help"}},
  };
  const auto check_refused = [](const std::string& program, const auto& usages) {
    for (const auto& [arguments, parts] : usages) {
      const Ended ended = run_program("apps/" + program + " " + arguments);
      CAPTURE(ended.output);
      CHECK(ended.exit_code == 2);
      for (const std::string& part : parts) CHECK(contains(ended.output, part));
    }
  };

  check_refused("echo_server", common);
  check_refused("echo_client", common);
  const decltype(common) server = {
      {"--delay soon", {"--delay", "'soon'", "500ms"}},
      {"--delay -1s", {"--delay", "'-1s'", "not negative"}},
      {"--once=maybe", {"--once", "maybe"}},
      {"--count 5", {"--count", "--help"}},
      {"--threads 0", {"--threads", "0", "1 to 1024"}},
      {"--threads 2 --unix x", {"--threads", "--unix", "excludes"}},
      {"--threads 2 --blocking", {"--threads", "--blocking", "excludes"}},
      {"--busy-poll long", {"--busy-poll", "'long'", "500ms"}},
  };
  check_refused("echo_server", server);
  const decltype(common) client = {
      {"--count 0", {"--count", "0", "1 to 1000000"}},
      {"--count many", {"--count", "many", "1 to 1000000"}},
      {"--delay 1s", {"--delay", "--help"}},
  };
  check_refused("echo_client", client);
}

}  // namespace
}  // namespace brigade
