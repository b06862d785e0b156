#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "brigade/apps/goals.h"
#include "brigade/apps/simulation.h"
#include "brigade/apps/statistics.h"

namespace brigade::apps {

/// The places of one station, from `first` to `last`; see places_of().
struct Axis {
  std::string name;
  std::size_t first;
  std::size_t last;
};

struct Question {
  Simulation simulation;  // on the virtual clock; its scenario is what there is today
  Target target;
  std::vector<Goal> goals;  // at least one
  std::vector<Axis> axes;
  bool knees = true;  // Look for them: it takes most of the time.
};

/// A configuration, and what it does under the load.
struct Outcome {
  std::vector<std::size_t> places;  // of each axis
  double cost = 0;                  // of the places that are added to what there is today
  bool met = false;                 // all goals
  long double value = 0;            // of the first goal
  std::string measured;             // the same as text
  std::size_t satisfied = 0, clients = 0;
  Nanoseconds mean{}, p95{}, max{};
  double capacity = 0;  // clients a second that it could serve for ever

  /// Clients a second up to which the goals are met, with these arrivals closer together: found in
  /// steps of 1 % of the capacity. Nothing if it was not looked for, or if they come all at once.
  std::optional<double> knee;
};

struct Plan {
  std::vector<Outcome> outcomes;   // the whole grid, or what was tried of it, the last axis fastest
  std::size_t configurations = 0;  // in the whole grid
  Outcome today;
  std::optional<Outcome> cheapest;         // that meets the goals
  std::vector<Outcome> pareto;             // none is both cheaper and better in the first goal
  std::vector<Outcome> one_more_today;     // of each axis
  std::vector<Outcome> one_more_cheapest;  // likewise, if there is a cheapest
  bool complete = false;                   // false if it was stopped
};

/// How far it is. Called by one thread at a time.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

/// Tries every configuration on the virtual clock, exactly; nothing is bisected on, since a larger
/// batch may serve fewer clients in time. Then looks for each one's knee, if asked to.
///
/// Errors:     std::invalid_argument for over a million configurations.
/// Complexity: one simulation per configuration and some 20 for its knee, on `threads` threads,
///             each with loops of its own.
/// Threads:    may be stopped from anywhere: `stop` makes it return what it has.
Plan make_plan(const Question& question, std::size_t threads, const std::atomic<bool>& stop,
               const Progress& progress = {});

}  // namespace brigade::apps
