// Runs tools/bench itself, for a moment: that it works, never how fast.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "brigade/tests/support/scratch.h"
#include "doctest/doctest.h"
#include "tests/examples/program.h"

namespace {

const std::string kOutput = brigade::scratch("bench");

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Ended bench(const std::string& options) {
  return run_program("python3 tools/bench --binaries . --no-perf --seconds 0.1 --output " +
                     kOutput + " " + options);
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("tools/bench: one round of each server of our own, and no ratio from it") {
  const Ended ended = bench(
      "--rounds 1 --workloads tcp-1,tcp-16,unix-64,reconnect --servers "
      "'brigade,brigade epoll,uring one-shot,uring multishot,epoll by hand'");

  INFO(ended.output);
  REQUIRE(ended.exit_code == 0);
  CHECK(contains(ended.output, "no ratios: 5 rounds are needed, these were 1\n"));
  for (const char* server :
       {"brigade", "brigade epoll", "uring one-shot", "uring multishot", "epoll by hand"})
    CHECK(std::regex_search(
        ended.output, std::regex("\\| " + std::string(server) + " +\\| +- \\| +[1-9][0-9]* \\|")));
  CHECK(contains(read(kOutput + ".json"), "\"server_cpu_ns\": "));
}

TEST_CASE("tools/bench: five rounds make a ratio, and a picture") {
  const Ended ended = bench(  // Longer, for a kernel that counts the CPU time in ticks of 10 ms.
      "--rounds 5 --seconds 0.3 --workloads tcp-1 "
      "--servers 'brigade,uring one-shot,uring multishot'");

  INFO(ended.output);
  REQUIRE(ended.exit_code == 0);
  CHECK(!contains(ended.output, "no ratios"));
  CHECK(std::regex_search(ended.output, std::regex("\\| brigade +\\| +[0-9]+\\.[0-9]{2} \\|")));
  CHECK(std::regex_search(ended.output, std::regex("\\| uring .* \\| +1\\.00 \\|")));
  CHECK(contains(read(kOutput + ".svg"), ">brigade</text>"));
}

TEST_CASE("tools/bench: --growth tells what an operation costs beside others") {
  const Ended ended =
      bench("--growth --rounds 1 --rows '(hand over a Lock|echo \\(epoll\\))/10{1,3}$'");

  INFO(ended.output);
  REQUIRE(ended.exit_code == 0);
  for (const char* row : {"hand over a Lock +\\| +[0-9]+ \\| +[0-9]+ \\|",
                          "echo \\(epoll\\) +\\| +[0-9]+ \\| +[0-9]+ \\| +[0-9]+ \\|"})
    CHECK(std::regex_search(ended.output, std::regex(row)));
  CHECK(contains(read(kOutput + ".json"), "\"row\": \"echo (epoll)\", \"n\": 1000, \"ns\": "));
  CHECK(contains(read(kOutput + ".svg"), "hand over a Lock</text>"));
}

TEST_CASE("tools/bench: --micro compares with the peers that are there") {
  const bool asio = std::filesystem::exists("/usr/include/asio.hpp");
  const Ended ended =
      bench("--micro --rounds 1 --rows '^(yield|lock)$' --servers brigade,asio,asyncio");

  INFO(ended.output);
  REQUIRE(ended.exit_code == 0);
  const std::string number = " +[0-9.]+ \\|";
  const std::string cells = "[^|]*\\| +[0-9.]+ \\|" + number;  // Of the row, its aim, and ours.
  CHECK(std::regex_search(
      ended.output, std::regex("\\| yield" + cells + (asio ? number : std::string()) + number)));
  CHECK(std::regex_search(
      ended.output, std::regex("\\| lock" + cells + (asio ? " +- \\|" : std::string()) + number)));
  CHECK(contains(ended.output, "no asio: apt-get install libasio-dev") == !asio);
}

TEST_CASE("tools/bench: names what it accepts") {
  const Ended ended = bench("--workloads tcp-2");

  CHECK(ended.exit_code == 2);
  CHECK(contains(ended.output, "accepted: tcp-1, tcp-64"));
}

}  // namespace
