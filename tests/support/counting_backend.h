#pragma once

#include <cstddef>

#include "brigade/runtime/loop.h"

namespace brigade {

/// What loops have asked their back ends for.
struct Asked {
  std::size_t submits = 0;
  std::size_t cancels = 0;
  std::size_t looks = 0;  // at what is complete, waiting for it or not

  Asked operator-(const Asked& before) const noexcept {
    return {submits - before.submits, cancels - before.cancels, looks - before.looks};
  }
};

inline constinit Asked asked;

/// The back end that this program is to run on, such that it counts in `asked`.
LoopOptions counting(ClockKind clock);

}  // namespace brigade
