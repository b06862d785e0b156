#include "brigade/apps/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace brigade::apps {

std::size_t Latencies::bucket_of(std::uint64_t nanoseconds) noexcept {
  const int bits = static_cast<int>(std::bit_width(nanoseconds));
  const int shift = std::max(bits - static_cast<int>(kBits) - 1, 0);
  return (static_cast<std::size_t>(shift) << kBits) + (nanoseconds >> shift);
}

std::uint64_t Latencies::last_of(std::size_t bucket) noexcept {
  const std::size_t octave = bucket >> kBits;
  if (octave < 2) return bucket;
  const std::size_t shift = octave - 1;
  const std::uint64_t top = bucket - (shift << kBits);
  return ((top + 1) << shift) - 1;
}

void Latencies::record(Nanoseconds duration) noexcept {
  ++buckets_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)))];
  ++count_;
}

Nanoseconds Latencies::percentile(double share) const noexcept {
  const double rank = std::ceil(share * static_cast<double>(count_));
  std::uint64_t left = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, count_ + 1);
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    if (buckets_[bucket] >= left) return Nanoseconds(last_of(bucket));
    left -= buckets_[bucket];
  }
  return Nanoseconds::zero();
}

}  // namespace brigade::apps
