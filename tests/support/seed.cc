#include "brigade/tests/support/seed.h"

#include <cstdio>
#include <cstdlib>
#include <random>

namespace brigade {

std::uint32_t test_seed() {
  static const std::uint32_t kSeed = [] {
    const char* const replayed = std::getenv("BRIGADE_SEED");
    const auto seed = replayed != nullptr
                          ? static_cast<std::uint32_t>(std::strtoul(replayed, nullptr, 10))
                          : static_cast<std::uint32_t>(std::random_device()());
    std::printf("seed=%u\n", seed);
    std::fflush(stdout);
    return seed;
  }();
  return kSeed;
}

std::uint64_t test_cancels(std::uint64_t usual) {
  const char* const wanted = std::getenv("BRIGADE_CANCELS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

}  // namespace brigade
