#include "brigade/runtime/error.h"

#include <system_error>

namespace brigade {

void throw_errno(int negative_errno, const std::string& label) {
  throw std::system_error(-negative_errno, std::system_category(), label);
}

}  // namespace brigade
