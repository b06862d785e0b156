#include "brigade/apps/capacity.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace brigade::apps {
namespace {

constexpr double kTolerance = 1e-9;  // What is as close as that is equal, but for rounding.

/// Seconds that a client needs one place of the station, on average over all orders.
double work_of(const Scenario& scenario, std::size_t station) {
  double weights = 0, needed = 0;
  for (const Order& order : scenario.orders) {
    weights += order.weight;
    if (std::find(order.needs.begin(), order.needs.end(), station) != order.needs.end())
      needed += order.weight;
  }
  const Nanoseconds time = scenario.stations[station].time.mean();
  return needed / weights * std::chrono::duration<double>(time).count();
}

/// Whether stations and arrivals are so regular that work may come exactly as fast as it is done.
bool regular(const Scenario& scenario, const Load& load) {
  const bool constant = std::none_of(scenario.stations.begin(), scenario.stations.end(),
                                     [](const Station& s) { return s.time.random(); });
  return constant && !load.random() && scenario.orders.size() == 1;
}

StationCapacity capacity_of(const Station& station, double work, double rate, bool regular) {
  StationCapacity result{};
  const auto places = static_cast<double>(station.places());
  result.rate = work > 0 ? places / work : std::numeric_limits<double>::infinity();
  result.load = rate * work / places;
  const double busy =
      rate * work /
      (station.kind == Station::Kind::kBatch ? static_cast<double>(station.count) : 1.0);
  const double least = regular ? std::ceil(busy - kTolerance) : std::floor(busy + kTolerance) + 1;
  result.needed = static_cast<std::size_t>(std::clamp(least, 1.0, 1e18));
  result.unstable = result.load > 1 + kTolerance || (!regular && result.load > 1 - kTolerance);
  return result;
}

}  // namespace

Capacity capacity_of(const Scenario& scenario, const Load& load) {
  Capacity result{};
  const double rate = offered_rate(load).value_or(0);
  for (std::size_t i = 0; i < scenario.stations.size(); ++i) {
    result.stations.push_back(
        capacity_of(scenario.stations[i], work_of(scenario, i), rate, regular(scenario, load)));
    if (result.stations[i].rate < result.stations[result.bottleneck].rate) result.bottleneck = i;
    result.unstable |= result.stations[i].unstable;
  }
  return result;
}

std::vector<std::string> notes_on(const Scenario& scenario, const Load& load) {
  const Capacity capacity = capacity_of(scenario, load);
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < scenario.stations.size(); ++i) {
    if (!capacity.stations[i].unstable) continue;
    char rates[96];
    std::snprintf(rates, sizeof rates,
                  " %.3g a second but %.3g arrive: the queue grows without bound",
                  capacity.stations[i].rate, *offered_rate(load));
    notes.push_back(scenario.stations[i].says + rates);
  }
  return notes;
}

}  // namespace brigade::apps
