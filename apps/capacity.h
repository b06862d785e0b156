#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "brigade/apps/load.h"
#include "brigade/apps/scenario.h"

namespace brigade::apps {

/// What arithmetic knows of a station before any client comes.
struct StationCapacity {
  double rate;         // clients of the service a second, at most; infinity if none needs it
  double load;         // what is offered over `rate`; 0 if no rate is offered
  std::size_t needed;  // places (of a batch station: portions in a batch) for what is offered
  bool unstable;       // Its queue grows for as long as clients come.
};

struct Capacity {
  std::vector<StationCapacity> stations;
  std::size_t bottleneck;  // the first station to be overloaded
  bool unstable;           // A station is: results then depend on the number of clients.
};

/// A station at exactly its capacity is stable only if nothing is random.
Capacity capacity_of(const Scenario& scenario, const Load& load);

/// For each unstable station: "the vat fries 1.25 a second but 2 arrive: the queue grows without
/// bound".
std::vector<std::string> notes_on(const Scenario& scenario, const Load& load);

}  // namespace brigade::apps
