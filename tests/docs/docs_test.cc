#include <fstream>
#include <iterator>
#include <string>

#include "doctest/doctest.h"

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("README: its program is examples/hello.cc, to the letter") {
  const std::string readme = read("README.md");

  CHECK(readme.find("```cpp\n" + read("examples/hello.cc") + "```\n") != std::string::npos);
}

}  // namespace
