#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/apps/distribution.h"

namespace brigade::apps {

/// What a client needs and may have to wait for, first come first served.
struct Station {
  enum class Kind {
    kLock,       // one client at a time
    kSemaphore,  // `count` clients at a time
    kBatch,      // `count` vats: who finds one empty makes `batch` portions, and each takes one
  };

  std::string name;
  Kind kind = Kind::kLock;
  std::size_t count = 1;
  std::size_t batch = 1;
  Distribution time;  // of one client, or of one batch
  double cost = 1;    // of one more place
  std::string unit;   // what one more place is called: "cook"
  std::string says;   // "the cooks make"

  std::size_t places() const noexcept { return count * batch; }
};

/// The stations an order needs, all at once or one after the other.
struct Order {
  std::string name;
  double weight = 1;  // how often it is made, compared to the other orders
  bool sequence = false;
  std::vector<std::size_t> needs = {};  // stations, each once
};

struct Scenario {
  std::string name;
  std::vector<Station> stations;
  std::vector<Order> orders;
  bool restaurant = false;  // of the tutorials: see restaurant.h
};

/// Reads a scenario: see docs/perf_test.md.
///
/// Errors: std::invalid_argument that names file, line, field, and what is accepted there.
Scenario parse_scenario(const std::string& json, const std::string& file);
Scenario read_scenario(const std::string& path);

/// Sets the places of a station, which is called by its name or by what one of its places is
/// called: the count, or the size of a batch; NAME.count is that of the vats of a batch station.
///
/// Errors: std::invalid_argument, naming what there is.
std::size_t& places_of(Scenario& scenario, std::string_view name);

}  // namespace brigade::apps
