#include "brigade/tests/support/scratch.h"

#include <cstdlib>
#include <filesystem>

namespace brigade {

std::string scratch(const std::string& name) {
  const char* const folder = std::getenv("TEST_TMPDIR");
  return (folder != nullptr ? folder : std::filesystem::temp_directory_path()) / name;
}

}  // namespace brigade
