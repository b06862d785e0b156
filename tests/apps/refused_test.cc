// The programs where io_uring is refused, as in a container with the default seccomp profile.
#include <csignal>
#include <string>

#include "doctest/doctest.h"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

const std::string kRefused = "env -u BRIGADE_BACKEND tests/support/without_io_uring ";

TEST_CASE("perf_test: needs no io_uring on the virtual clock [E-01]") {
  const Ended ended = run_program(kRefused + "apps/perf_test 10 1 5");

  CHECK(ended.exit_code == 0);
  CHECK(ended.output.find("io_uring") == std::string::npos);
  CHECK(ended.output.find("10/10 clients satisfied\n") != std::string::npos);
}

TEST_CASE("perf_test: where io_uring is refused the real clock runs on epoll, and says so [E-01]") {
  const Ended ended = run_program(kRefused + "apps/perf_test 3 1 1h --clock real --speed 1000");

  CHECK(ended.exit_code == 0);
  CHECK(ended.output.find("using epoll\n") != std::string::npos);
  CHECK(ended.output.find("3/3 clients satisfied\n") != std::string::npos);
}

TEST_CASE("echo_server: where io_uring is refused it serves by epoll, and says so [E-01]") {
  Background server(kRefused + "apps/echo_server --port 0 --verbose");
  CHECK(server.line_with("io_uring is refused").find("using epoll") != std::string::npos);
  const std::string listening = server.line_with("listening on");
  const std::string port = listening.substr(listening.rfind(':') + 1);

  const Ended client = run_program(kRefused + "apps/echo_client --count 20 --port " + port);
  CHECK(client.exit_code == 0);
  CHECK(client.output.find("received: Hello 19\n") != std::string::npos);

  server.signal(SIGTERM);
  CHECK(server.wait().exit_code == 0);
}

TEST_CASE("echo_server: exits with 1 and a remedy if it must have io_uring [E-01]") {
  const Ended ended = run_program(
      "BRIGADE_BACKEND=io_uring tests/support/without_io_uring "
      "apps/echo_server --port 0");

  CHECK(ended.exit_code == 1);
  CHECK(ended.output.find("echo_server: io_uring is refused") != std::string::npos);
  CHECK(ended.output.find("allow io_uring_setup") != std::string::npos);
}

}  // namespace
}  // namespace brigade
