#pragma once

#include <chrono>
#include <cstdint>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Durations are integer nanoseconds inside; instants are the steady clock's, never the wall's.
using Nanoseconds = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

/// Which clock a loop lives by. On the virtual one, time stands still while anything can run and
/// then jumps to the next deadline: exact, and the same on every run.
enum class ClockKind { kReal, kVirtual };

/// Any std::chrono duration in nanoseconds; what does not fit is clamped, NaN is zero.
template <class Rep, class Period>
constexpr Nanoseconds to_nanoseconds(std::chrono::duration<Rep, Period> duration) noexcept {
  using Wide = std::chrono::duration<long double, std::nano>;
  const long double count = Wide(duration).count();  // Exact: it holds 64-bit integers.
  if (count != count) return Nanoseconds::zero();
  if (count >= static_cast<long double>(Nanoseconds::max().count())) return Nanoseconds::max();
  if (count <= static_cast<long double>(Nanoseconds::min().count())) return Nanoseconds::min();
  return Nanoseconds(static_cast<std::int64_t>(count));
}

/// `start + delay`, clamped to the last instant there is; `start` for a negative delay.
constexpr TimePoint after(TimePoint start, Nanoseconds delay) noexcept {
  if (delay < Nanoseconds::zero()) return start;
  if (delay > TimePoint::max() - start) return TimePoint::max();
  return start + delay;
}

}  // namespace brigade
