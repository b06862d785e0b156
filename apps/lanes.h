#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "brigade/apps/simulation.h"

namespace brigade::apps {

/// One place of a station, or one vat, and who had it when.
struct Lane {
  struct Bar {
    Nanoseconds from, to;
    std::size_t client;  // of a batch: who found the vat empty
  };
  struct PickUp {
    Nanoseconds at;
    std::size_t client;
  };

  std::string name;  // "burger 2", or "soda" if it is the only one
  std::size_t station;
  bool vat = false;
  std::vector<Bar> bars = {};
  std::vector<PickUp> pick_ups = {};  // of the portions in a vat
};

/// The lanes of all stations, in their order; of each station as many as were needed.
std::vector<Lane> lanes_of(const Simulation& simulation, const Record& record);

}  // namespace brigade::apps
