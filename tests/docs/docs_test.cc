#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
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

// Without what marks the samples of tools/lint.
std::string without_marks(const std::string& text) {
  return std::regex_replace(text, std::regex(" *// want: .*"), "");
}

TEST_CASE("docs: every C++ block is part of a file that is compiled") {
  std::string compiled;
  for (const char* folder : {"examples", "tools/lint_samples"})
    for (const auto& file : std::filesystem::directory_iterator(folder))
      compiled += without_marks(read(file.path())) + "\n";
  const std::regex block("```cpp\n([^`]+)```");
  int blocks = 0;

  for (const auto& file : std::filesystem::recursive_directory_iterator("docs")) {
    if (file.path().extension() != ".md") continue;
    const std::string text = read(file.path());
    for (std::sregex_iterator found(text.begin(), text.end(), block), end; found != end; ++found) {
      INFO(file.path().string(), ":\n", (*found)[1].str());
      CHECK(compiled.find((*found)[1].str()) != std::string::npos);
      ++blocks;
    }
  }

  CHECK(blocks >= 15);
}

}  // namespace
