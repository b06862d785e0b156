#include "brigade/sync/batch_cache_options.h"

#include <stdexcept>

namespace brigade {

void BatchCacheOptions::validate() const {
  if (batch_size == 0) throw std::invalid_argument("BatchCache of 0 items: at least 1 is needed");
  if (low_water > batch_size)
    throw std::invalid_argument("BatchCache with a low_water of " + std::to_string(low_water) +
                                ": more than a batch brings; 0 to " + std::to_string(batch_size) +
                                " are accepted");
  if (time_to_live <= Nanoseconds::zero())
    throw std::invalid_argument("BatchCache with a time_to_live of " +
                                std::to_string(time_to_live.count()) +
                                " ns: no item could be handed out; more than 0 is accepted");
}

BatchCacheStatistics& BatchCacheStatistics::operator+=(const BatchCacheStatistics& other) noexcept {
  hits += other.hits;
  misses += other.misses;
  refills += other.refills;
  prefetches += other.prefetches;
  failures += other.failures;
  discarded += other.discarded;
  return *this;
}

}  // namespace brigade
