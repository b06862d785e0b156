#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "brigade/apps/generator.h"
#include "brigade/apps/load.h"
#include "brigade/apps/scenario.h"
#include "brigade/runtime/clock.h"

namespace brigade::apps {

enum class Mode {
  kConstrained,    // each need at its station
  kUnconstrained,  // with no station to wait for
  kSequential,     // one server, who serves one client at a time, need after need
};

/// What happens to a client; all but the first and the last at one of the stations.
enum class Moment {
  kOrdered,
  kAsked,
  kStarted,
  kBatchStarted,
  kBatchReady,
  kReady,
  kServed,
};

struct Event {
  Moment moment;
  std::size_t client;   // counts from 0
  std::size_t station;  // of the scenario
  Nanoseconds since_arrival;
};

/// A client at a station. Instants count from the start.
struct Step {
  Nanoseconds asked{};
  Nanoseconds started{};
  Nanoseconds ready{};
};

struct Batch {
  std::size_t station;
  std::size_t vat;
  std::size_t client;  // who found it empty
  Nanoseconds started;
  Nanoseconds ready;
};

/// What happened.
struct Record : Attendance {
  std::vector<Step> steps;     // of each client those of its order, in the order of its needs
  std::vector<Batch> batches;  // in the order of their ends
};

struct Simulation {
  Scenario scenario;
  Mode mode = Mode::kConstrained;
  ClockKind clock = ClockKind::kVirtual;
  double speed = 1;  // of the real clock: 10 makes 10 s of the model last 1 s
  Load load;
  std::vector<Nanoseconds> arrivals;  // of an open load; who arrive together are served in order
  std::function<void(const Event&)> observer;  // told of each event as it happens, or none
  std::function<void(Loop&)> begin = {};       // told of the loop before it runs, or none
};

/// Runs a loop until every client is served. On the virtual clock the result is exact and the same
/// on every run; on the real one it is measured.
///
/// Errors:     std::invalid_argument for a station without a place.
/// Complexity: one task per client and need while it is there.
/// Threads:    no loop may run on this one.
Record simulate(const Simulation& simulation);

}  // namespace brigade::apps
