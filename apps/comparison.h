#pragma once

#include <cstddef>
#include <iosfwd>

#include "brigade/apps/report.h"

namespace brigade::apps {

/// Two runs under the same arrivals, client by client.
struct Comparison {
  const Report& before;
  const Report& after;
  std::size_t sooner = 0, later = 0, equal = 0;  // clients, with what came after
};

Comparison compare(const Report& before, const Report& after);

/// For people: side by side.
void print_text(std::ostream& out, const Comparison& comparison);

/// For programs: both documents of print_json(), and who was served sooner.
void print_json(std::ostream& out, const Comparison& comparison);

}  // namespace brigade::apps
