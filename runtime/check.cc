#include "brigade/runtime/check.h"

#include <cstdio>
#include <cstdlib>

namespace brigade {

void check_failed(const char* why, std::source_location where) noexcept {
  std::fprintf(stderr, "brigade: %s (%s:%u, in %s)\n", why, where.file_name(), where.line(),
               where.function_name());
  std::abort();
}

}  // namespace brigade
