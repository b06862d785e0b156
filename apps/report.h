#pragma once

#include <iosfwd>
#include <vector>

#include "brigade/apps/capacity.h"
#include "brigade/apps/goals.h"
#include "brigade/apps/simulation.h"
#include "brigade/apps/statistics.h"

namespace brigade::apps {

/// A run, and what it is measured by.
struct Report {
  const Simulation& simulation;
  const Record& record;
  const Target& target;
  const std::vector<Goal>& goals;
  Statistics statistics;
  Capacity capacity;

  bool goals_met() const;
};

Report make_report(const Simulation& simulation, const Record& record, const Target& target,
                   const std::vector<Goal>& goals);

/// How a text looks: colours are for terminals.
struct Look {
  bool quiet = false;  // only the goals and how many were satisfied
  bool colour = false;
};

/// For people: a line per client (the first and last ones of many), the summary, the stations, the
/// goals, and how many clients were satisfied.
void print_text(std::ostream& out, const Report& report, const Look& look = {});

/// For programs: one JSON document. Its times are exact, which binary floating point is not.
void print_json(std::ostream& out, const Report& report);

/// For tables: a line per client, under a heading.
void print_csv(std::ostream& out, const Report& report);

}  // namespace brigade::apps
