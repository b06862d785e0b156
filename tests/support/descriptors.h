#pragma once

#include <cstddef>

namespace brigade {

/// How many this process has open, whoever opened them.
std::ptrdiff_t open_descriptors();

}  // namespace brigade
