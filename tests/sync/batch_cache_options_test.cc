#include "brigade/sync/batch_cache_options.h"

#include <stdexcept>

#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

BatchCacheOptions options(std::size_t batch_size, std::size_t low_water, Nanoseconds time_to_live) {
  BatchCacheOptions made(batch_size);
  made.low_water = low_water;
  made.time_to_live = time_to_live;
  return made;
}

TEST_CASE("BatchCacheOptions: the bounds of what is accepted are accepted") {
  CHECK_NOTHROW(options(1, 0, 1ns).validate());
  CHECK_NOTHROW(options(1, 1, BatchCacheOptions::kForever).validate());
  CHECK_NOTHROW(options(5, 5, 1h).validate());
}

TEST_CASE("BatchCacheOptions: what is refused is named, with the reason and what is accepted") {
  CHECK_THROWS_WITH_AS(options(0, 0, 1s).validate(), "BatchCache of 0 items: at least 1 is needed",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(options(5, 6, 1s).validate(),
                       "BatchCache with a low_water of 6: more than a batch brings; 0 to 5 are "
                       "accepted",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(options(5, 0, 0s).validate(),
                       "BatchCache with a time_to_live of 0 ns: no item could be handed out; more "
                       "than 0 is accepted",
                       std::invalid_argument);
  CHECK_THROWS_AS(options(5, 0, -1s).validate(), std::invalid_argument);
}

TEST_CASE("BatchCacheStatistics: a sum adds each count to its own") {
  BatchCacheStatistics sum{
      .hits = 1, .misses = 2, .refills = 3, .prefetches = 4, .failures = 5, .discarded = 6};

  sum +=
      {.hits = 10, .misses = 20, .refills = 30, .prefetches = 40, .failures = 50, .discarded = 60};

  CHECK(sum == BatchCacheStatistics{.hits = 11,
                                    .misses = 22,
                                    .refills = 33,
                                    .prefetches = 44,
                                    .failures = 55,
                                    .discarded = 66});
}

}  // namespace
}  // namespace brigade
