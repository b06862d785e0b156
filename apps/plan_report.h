#pragma once

#include <iosfwd>

#include "brigade/apps/planner.h"

namespace brigade::apps {

/// For people: the answer, what there is today, the cheapest configurations for each value of the
/// first goal, and what one more of each would change.
void print_text(std::ostream& out, const Question& question, const Plan& plan);

/// For programs: one JSON document with every configuration.
void print_json(std::ostream& out, const Question& question, const Plan& plan);

}  // namespace brigade::apps
