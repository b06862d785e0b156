// Runs tools/bench --callgrind on one row: that what got dearer is refused, whatever it costs here.
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "brigade/runtime/platform.h"
#include "brigade/tests/support/scratch.h"
#include "doctest/doctest.h"
#include "tests/examples/program.h"

namespace {

const std::string kCosts = brigade::scratch("costs.json");

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// valgrind does not run what a sanitizer has instrumented, and not every machine has it.
bool can_count() {
  if (brigade::kSanitized) {
    MESSAGE("not shown: valgrind and a sanitizer exclude each other");
    return false;
  }
  if (run_program("valgrind --version").exit_code != 0) {
    MESSAGE("not shown: valgrind is missing");
    return false;
  }
  return true;
}

Ended count(const std::string& options) {
  return run_program("python3 tools/bench --callgrind --binaries . --costs " + kCosts + " " +
                     options);
}

// What --store writes; measured once, as it is the same each time.
const std::string& stored() {
  static const std::string text = [] {
    std::ofstream(kCosts) << "[]";
    const Ended ended = count("--rows await --store");
    REQUIRE_MESSAGE(ended.exit_code == 0, ended.output);
    std::ifstream file(kCosts);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return text;
}

// Stores that the row costs `factor` times its instructions.
void store_times(double factor) {
  const std::string& text = stored();
  std::smatch figure;
  REQUIRE(std::regex_search(
      text, figure,
      std::regex(R"("await a ready child", "unit": "instructions", "figure": ([0-9.]+))")));
  const double changed = std::stod(figure[1]) * factor;
  std::ofstream(kCosts) << std::string(text.begin(), figure[1].first) << changed
                        << std::string(figure[1].second, text.end());
}

TEST_CASE("tools/bench --callgrind: what is not stored is refused") {
  if (!can_count()) return;
  std::ofstream(kCosts) << "[]";

  const Ended ended = count("--rows await");

  INFO(ended.output);
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "  not stored\n"));
}

TEST_CASE("tools/bench --callgrind: what was stored is met again") {
  if (!can_count()) return;
  store_times(1);

  const Ended ended = count("--rows await");

  INFO(ended.output);
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.output, "0.0%\n"));
}

TEST_CASE("tools/bench --callgrind: a row that got dearer is refused, and named") {
  if (!can_count()) return;
  store_times(1 / 1.05);

  const Ended ended = count("--rows await");

  INFO(ended.output);
  CHECK(ended.exit_code == 1);
  CHECK(std::regex_search(
      ended.output,
      std::regex(
          R"(\nawait a ready child +instructions +[0-9.]+ +[0-9.]+ +\+5\.0%  DEARER\nawait a ready child +system)")));
  CHECK(contains(ended.output, "1 figures refused"));
}

TEST_CASE("tools/bench --callgrind: a row that got cheaper is told, and no failure") {
  if (!can_count()) return;
  store_times(1 / 0.95);

  const Ended ended = count("--rows await");

  INFO(ended.output);
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.output, "-5.0%  cheaper: store it\n"));
}

TEST_CASE("tools/bench --callgrind: a change within the tolerance is none") {
  if (!can_count()) return;
  store_times(1 / 1.02);

  const Ended ended = count("--rows await");

  INFO(ended.output);
  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.output, "+2.0%\n"));
}

}  // namespace
