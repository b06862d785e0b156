#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "brigade/runtime/clock.h"

namespace brigade::apps {

/// How long many things took, in buckets: a percentile is told at most 1.6 % too long, however many
/// there were, in 30 KB.
///
/// Errors:     none; a negative duration counts as zero.
/// Complexity: record() O(1), percentile() O(buckets); no allocation.
class Latencies {
 public:
  void record(Nanoseconds duration) noexcept;
  void clear() noexcept { *this = Latencies(); }

  std::uint64_t count() const noexcept { return count_; }

  /// The longest of the shortest `share` (0 to 1) of them; zero if there are none.
  Nanoseconds percentile(double share) const noexcept;

 private:
  // 64 buckets per power of two; below 128 ns each value has its own.
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kBuckets = (64 - kBits) << kBits;

  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept;
  static std::uint64_t last_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace brigade::apps
