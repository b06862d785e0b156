// Runs every command of docs/perf_test.md and compares what it prints.
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/tests/support/scratch.h"
#include "doctest/doctest.h"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

struct Command {
  std::string line;
  std::string output;
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The commands of the console blocks, each with what is shown below it.
std::vector<Command> commands_of(const std::string& page) {
  std::vector<Command> commands;
  std::istringstream lines(page);
  bool console = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```"))
      console = line == "```console";
    else if (console && line.starts_with("$ "))
      commands.push_back({line.substr(2), {}});
    else if (console)
      commands.back().output += line + "\n";
  }
  return commands;
}

/// Whether `text` is what is shown, where "..." is any text, and any lines if it is alone in one.
bool matches(std::string_view text, std::string shown) {
  for (std::size_t at;
       (at = shown.find("...\n")) == 0 || (at = shown.find("\n...\n")) != shown.npos;)
    shown.erase(at == 0 ? 3 : at + 4, 1);
  bool first = true;
  while (true) {
    const std::size_t dots = shown.find("...");
    const std::string piece = shown.substr(0, dots);
    if (dots == shown.npos) return first ? text == piece : text.ends_with(piece);
    const std::size_t found = text.find(piece);
    if (found == text.npos || (first && found != 0)) return false;
    text.remove_prefix(found + piece.size());
    shown.erase(0, dots + 3);
    first = false;
  }
}

TEST_CASE("docs/perf_test.md: what is shown must be what is printed, but for the dots") {
  CHECK(matches("a\nb\n", "a\nb\n"));
  CHECK_FALSE(matches("a\nb\n", "a\n"));
  CHECK_FALSE(matches("a\nb\n", "b\n"));
  CHECK(matches("a\nb\nc\n", "a\n...\nc\n"));
  CHECK(matches("a\nc\n", "a\n...\nc\n"));
  CHECK(matches("a\nb\nc\n", "...\nc\n"));
  CHECK(matches("a\nb\nc\n", "a\n...\n"));
  CHECK_FALSE(matches("a\nb\nc\n", "a\n...\nd\n"));
  CHECK(matches("took 0.123s\n", "took 0...s\n"));
  CHECK_FALSE(matches("took 1.123s\n", "took 0...s\n"));
}

TEST_CASE("docs/perf_test.md: every command prints what the page shows") {
  const std::vector<Command> commands = commands_of(read("docs/perf_test.md"));
  std::vector<std::unique_ptr<Background>> servers;
  const std::string folder = brigade::scratch("tour");
  REQUIRE(run_program("mkdir " + folder + " && ln -s $PWD/examples " + folder).exit_code == 0);

  for (const Command& command : commands) {
    CAPTURE(command.line);
    if (command.line.ends_with(" &")) {
      const std::string program = command.line.substr(0, command.line.size() - 2);
      servers.push_back(std::make_unique<Background>("apps/" + program));
      servers.back()->line_with("listening on");
      continue;
    }
    const Ended ended =
        run_program("{ PATH=$PWD/apps:$PATH; cd " + folder + "; " + command.line + "; }");
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 0);
    CHECK(matches(ended.output, command.output));
  }

  CHECK(commands.size() >= 20);
}

TEST_CASE("docs/perf_test.md: the scenario it shows is examples/shop.json") {
  CHECK(read("docs/perf_test.md").find("```json\n" + read("examples/shop.json") + "```\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace brigade
