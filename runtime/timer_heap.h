#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "brigade/runtime/clock.h"

namespace brigade {

/// Something that happens at an instant. Must be disarmed before it is destroyed.
class Timer {
 public:
  using Fire = void (*)(Timer&) noexcept;

  explicit Timer(Fire fire) noexcept : fire_(fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const noexcept { return index_ != kNotArmed; }

 private:
  friend class TimerHeap;
  static constexpr std::size_t kNotArmed = std::numeric_limits<std::size_t>::max();

  Fire fire_;
  std::size_t index_ = kNotArmed;  // Where it stands in the heap.
};

/// Armed timers in the order (deadline, arming): a 4-ary heap, so that timers of equal deadline
/// fire in the order they were armed.
///
/// Errors:     arm() throws std::bad_alloc and then changes nothing.
/// Complexity: arm, disarm, each firing O(log n); earliest O(1).
/// Threads:    one.
/// Lifetime:   does not own its timers.
class TimerHeap {
 public:
  void arm(Timer& timer, TimePoint deadline);
  void disarm(Timer& timer) noexcept;

  bool empty() const noexcept { return entries_.empty(); }
  TimePoint earliest() const noexcept { return entries_.front().deadline; }

  /// Fires what is due at `now`, in order.
  void fire_due(TimePoint now) noexcept;

 private:
  struct Entry {
    TimePoint deadline;
    std::uint64_t sequence;
    Timer* timer;

    bool before(const Entry& other) const noexcept {
      return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
    }
  };

  void remove(std::size_t index) noexcept;
  void put(std::size_t index, const Entry& entry) noexcept;
  void sift_up(std::size_t index, const Entry& entry) noexcept;
  void sift_down(std::size_t index, const Entry& entry) noexcept;

  std::vector<Entry> entries_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace brigade
