#include "brigade/tests/support/descriptors.h"

#include <filesystem>
#include <iterator>

namespace brigade {

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

}  // namespace brigade
