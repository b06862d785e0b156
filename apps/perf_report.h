#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "brigade/apps/restaurant.h"

namespace brigade::apps {

/// What a client of the restaurant calls acceptable.
struct Target {
  Nanoseconds timeout{};
  bool inclusive = false;  // A service time equal to the timeout satisfies too.

  bool satisfied_by(Nanoseconds service) const noexcept {
    return service < timeout || (inclusive && service == timeout);
  }
};

/// The service times of a run; percentiles by nearest rank, the mean to the nearest nanosecond.
struct Summary {
  std::size_t satisfied = 0;
  Nanoseconds elapsed{};  // from the start to the last completion
  Nanoseconds min{}, mean{}, max{};
  Nanoseconds p50{}, p90{}, p95{}, p99{};
};

/// `visits` must not be empty.
Summary summarize(const std::vector<Visit>& visits, const Target& target);

/// The smallest of `sorted` that at least `percent` of them do not exceed; not empty, 1 to 100.
Nanoseconds nearest_rank(const std::vector<Nanoseconds>& sorted, std::size_t percent);

/// For people: a line per client (the first and last ones of many), the summary, and how many
/// clients were satisfied.
void print_table(std::ostream& out, const Target& target, const std::vector<Visit>& visits);

/// For programs: one JSON document. Its numbers are exact, which binary floating point is not.
void print_json(std::ostream& out, const Scenario& scenario, const Target& target,
                const std::vector<Visit>& visits);

}  // namespace brigade::apps
