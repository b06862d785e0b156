#pragma once

#include <cstdlib>

/// For `->Apply(kToldIterations)`: the row runs as often as BENCH_ITERATIONS of the environment
/// says, and once. tools/bench --callgrind takes the difference between two such runs.
inline constexpr auto kToldIterations = [](auto* row) {
  const char* const told = std::getenv("BENCH_ITERATIONS");
  if (told != nullptr) row->Iterations(std::atoll(told));
};
