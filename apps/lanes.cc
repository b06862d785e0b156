#include "brigade/apps/lanes.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "brigade/apps/statistics.h"

namespace brigade::apps {
namespace {

struct Use {
  Step step;
  std::size_t client;
};

std::vector<Use> uses_of(const Simulation& simulation, const Record& record, std::size_t station) {
  std::vector<Use> uses;
  for_each_step(simulation, record, [&](const Step& step, std::size_t client, std::size_t at) {
    if (at == station) uses.push_back({step, client});
  });
  return uses;
}

/// Gives each client the first place that is free when it starts.
std::vector<Lane> places(std::vector<Use> uses, std::size_t station) {
  std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) {
    return std::pair(a.step.started, a.client) < std::pair(b.step.started, b.client);
  });
  std::vector<Lane> lanes;
  for (const Use& use : uses) {
    const auto free = std::find_if(lanes.begin(), lanes.end(), [&](const Lane& lane) {
      return lane.bars.back().to <= use.step.started;
    });
    const auto index = static_cast<std::size_t>(free - lanes.begin());
    if (free == lanes.end()) lanes.push_back({.name = {}, .station = station});
    lanes[index].bars.push_back({use.step.started, use.step.ready, use.client});
  }
  return lanes;
}

/// Hands the portions out again, as the simulation did.
std::vector<Lane> vats(std::vector<Use> uses, const Record& record, std::size_t station,
                       std::size_t portions) {
  // Who filled a vat started before those who took the rest at the same instant.
  std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) {
    return std::tuple(a.step.ready, a.step.started, a.client) <
           std::tuple(b.step.ready, b.step.started, b.client);
  });
  std::vector<Lane> lanes;
  std::vector<std::size_t> left;
  std::vector<std::size_t> vat_of(record.clients.size(), record.clients.size());
  for (const Batch& batch : record.batches) {
    if (batch.station != station) continue;
    while (lanes.size() <= batch.vat) {
      lanes.push_back({.name = {}, .station = station, .vat = true});
      left.push_back(0);
    }
    lanes[batch.vat].bars.push_back({batch.started, batch.ready, batch.client});
    vat_of[batch.client] = batch.vat;
  }
  for (const Use& use : uses) {
    std::size_t vat = vat_of[use.client];
    if (vat < lanes.size()) {
      left[vat] = portions;
    } else {
      const auto filled =
          std::find_if(left.begin(), left.end(), [](std::size_t count) { return count > 0; });
      if (filled == left.end()) continue;
      vat = static_cast<std::size_t>(filled - left.begin());
    }
    --left[vat];
    lanes[vat].pick_ups.push_back({use.step.ready, use.client});
  }
  return lanes;
}

}  // namespace

std::vector<Lane> lanes_of(const Simulation& simulation, const Record& record) {
  std::vector<Lane> all;
  for (std::size_t i = 0; i < simulation.scenario.stations.size(); ++i) {
    const Station& station = simulation.scenario.stations[i];
    const bool batch =
        station.kind == Station::Kind::kBatch && simulation.mode == Mode::kConstrained;
    std::vector<Use> uses = uses_of(simulation, record, i);
    std::vector<Lane> lanes =
        batch ? vats(std::move(uses), record, i, station.batch) : places(std::move(uses), i);
    for (std::size_t k = 0; k < lanes.size(); ++k) {
      lanes[k].name = station.name + (lanes.size() > 1 ? " " + std::to_string(k + 1) : "");
      all.push_back(std::move(lanes[k]));
    }
  }
  return all;
}

}  // namespace brigade::apps
