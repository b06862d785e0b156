#pragma once

#include <cstddef>
#include <vector>

#include "brigade/apps/simulation.h"

namespace brigade::apps {

/// What a client calls acceptable.
struct Target {
  Nanoseconds timeout = Nanoseconds::max();  // or any time at all
  bool inclusive = false;                    // A service time equal to the timeout satisfies too.

  bool satisfied_by(Nanoseconds service) const noexcept {
    return service < timeout || (inclusive && service == timeout);
  }
  bool satisfied_by(const Client& client) const noexcept {
    return !client.failed && satisfied_by(client.service);
  }
};

/// How a station was used from the start to the last completion.
struct StationUse {
  double utilisation = 0;  // of its places, or of its vats
  double mean_queue = 0;
  std::size_t longest_queue = 0;
  Nanoseconds mean_wait{};
  Nanoseconds longest_wait{};
};

/// The numbers of a run; percentiles by nearest rank, means to the nearest nanosecond.
struct Statistics {
  std::size_t clients = 0, satisfied = 0, failed = 0;
  std::size_t on_edge = 0;            // service times that are the timeout; to 1 ms if it is real
  Nanoseconds elapsed{};              // from the start to the last completion
  std::vector<Nanoseconds> services;  // sorted; without those that failed
  Nanoseconds min{}, mean{}, max{};
  double throughput = 0;             // served a second
  double mean_present = 0;           // clients, counted as they came and went
  double little = 0;                 // by how much, relatively, that differs from rate * mean time
  std::vector<StationUse> stations;  // in the constrained mode

  /// Of all clients; those that failed were never served: Nanoseconds::max().
  Nanoseconds percentile(double percent) const;
};

/// `record` must not be empty.
Statistics statistics_of(const Simulation& simulation, const Record& record, const Target& target);

/// The smallest of `sorted` that at least `percent` of them, up to three decimals, do not exceed;
/// not empty, above 0 and at most 100.
Nanoseconds nearest_rank(const std::vector<Nanoseconds>& sorted, double percent);

/// How many wait at a station from an instant on.
struct QueueLength {
  Nanoseconds since;
  std::size_t waiting;
};
std::vector<QueueLength> queue_at(const Simulation& simulation, const Record& record,
                                  std::size_t station);

/// Calls visit(step, client, station) for every step of the clients that were served.
template <class Visit>
void for_each_step(const Simulation& simulation, const Record& record, const Visit& visit) {
  for (std::size_t k = 0; k < record.clients.size(); ++k) {
    const Client& client = record.clients[k];
    const Order& order = simulation.scenario.orders[client.order];
    for (std::size_t i = 0; i < order.needs.size(); ++i)
      visit(record.steps[client.first_step + i], k, order.needs[i]);
  }
}

}  // namespace brigade::apps
