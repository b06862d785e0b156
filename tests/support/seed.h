#pragma once

#include <cstdint>

namespace brigade {

/// The seed of all that is random in this run of a test: BRIGADE_SEED=N, or a new one. The first
/// call prints "seed=N".
std::uint32_t test_seed();

/// How many cancels a random test is to make: BRIGADE_CANCELS=N, or as many as are `usual`.
std::uint64_t test_cancels(std::uint64_t usual);

}  // namespace brigade
