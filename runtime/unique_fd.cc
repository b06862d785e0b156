#include "brigade/runtime/unique_fd.h"

#include <unistd.h>

namespace brigade {

void UniqueFd::reset() noexcept {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  --open_;
}

}  // namespace brigade
