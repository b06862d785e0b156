#pragma once

#include <cstddef>

namespace brigade {

/// Runs `body(others)` in a forked child until its second mark(), and returns how many instructions
/// it executes from the first one on, of the program and not of the kernel: what an operation
/// costs, without a clock. What happens once in a process, such as its first exception, should have
/// happened before.
std::size_t count_instructions(void (*body)(int others), int others);

void mark();

}  // namespace brigade
