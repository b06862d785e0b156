#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "brigade/runtime/clock.h"

namespace brigade {

/// How a BatchCache fetches and keeps. A number is enough where only the size of a batch matters.
///
/// Errors:       a cache made with a value outside of what is accepted throws
///               std::invalid_argument, which names both.
/// Cancellation: none.
/// Complexity:   a copy copies the name.
/// Threads:      any; a value.
/// Lifetime:     none.
/// Example:      examples/keyed_batch_cache.cc
class BatchCacheOptions {
 public:
  static constexpr Nanoseconds kForever = Nanoseconds::max();

  BatchCacheOptions(std::size_t items) : batch_size(items) {}  // Implicit: BatchCache(5, fry).

  /// Items that a refill is asked for, at least 1.
  std::size_t batch_size;

  /// Once a get() leaves fewer items than these at hand, a refill starts in the background, so that
  /// the next ones need not wait. 0 to batch_size; with 0, only a get() that finds none starts one.
  std::size_t low_water = 0;

  /// How long after its arrival, on the loop's clock, the items of a batch are handed out: those of
  /// that age and older are discarded when a get() meets them. More than 0.
  Nanoseconds time_to_live = kForever;

  /// For reports and printing.
  std::string name;

  void validate() const;
};

/// What a cache did since it was made.
struct BatchCacheStatistics {
  std::uint64_t hits = 0;        // get()s that found an item at hand
  std::uint64_t misses = 0;      // get()s that had to wait
  std::uint64_t refills = 0;     // begun
  std::uint64_t prefetches = 0;  // those of the refills that nobody waited for when they began
  std::uint64_t failures = 0;    // refills that ended by an error, or could not begin
  std::uint64_t discarded = 0;   // items that were invalidated, too old, or evicted

  BatchCacheStatistics& operator+=(const BatchCacheStatistics& other) noexcept;
  bool operator==(const BatchCacheStatistics&) const = default;
};

}  // namespace brigade
