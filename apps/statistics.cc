#include "brigade/apps/statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace brigade::apps {
namespace {

using Wide = long double;

Wide wide(Nanoseconds time) { return static_cast<Wide>(time.count()); }

Nanoseconds mean_of(__int128 sum, std::size_t n) {
  const auto count = static_cast<std::int64_t>(n);
  return Nanoseconds(static_cast<std::int64_t>((sum + count / 2) / count));
}

std::size_t rank(std::size_t n, double percent) {
  const auto thousandths = static_cast<std::size_t>(std::llround(percent * 1000));
  return (n * thousandths + 99'999) / 100'000;
}

void add_services(const Simulation& simulation, const Record& record, const Target& target,
                  Statistics& result) {
  const double edge = simulation.clock == ClockKind::kReal ? 1e6 * simulation.speed : 0;
  __int128 sum = 0;
  result.clients = record.clients.size();
  result.services.reserve(record.clients.size());
  for (const Client& client : record.clients) {
    result.satisfied += target.satisfied_by(client) ? 1 : 0;
    if (client.failed) continue;
    result.services.push_back(client.service);
    sum += client.service.count();
    const auto margin = static_cast<double>((client.service - target.timeout).count());
    result.on_edge += std::abs(margin) <= edge ? 1 : 0;
    result.elapsed = std::max(result.elapsed, client.arrival + client.service);
  }
  result.failed = result.clients - result.services.size();
  if (result.services.empty()) return;
  std::sort(result.services.begin(), result.services.end());
  result.min = result.services.front();
  result.mean = mean_of(sum, result.services.size());
  result.max = result.services.back();
  if (result.elapsed == Nanoseconds::zero()) return;
  const Wide elapsed = wide(result.elapsed);
  result.throughput =
      static_cast<double>(static_cast<Wide>(result.services.size()) * 1e9L / elapsed);
  result.mean_present = static_cast<double>(record.presence / elapsed);
  const Wide by_law = static_cast<Wide>(sum) / elapsed;
  if (by_law > 0) result.little = static_cast<double>(record.presence / elapsed / by_law - 1);
}

struct Sums {
  Wide busy = 0;
  __int128 waited = 0;
  std::size_t clients = 0;
};

void add_stations(const Simulation& simulation, const Record& record, Statistics& result) {
  const std::vector<Station>& stations = simulation.scenario.stations;
  result.stations.resize(stations.size());
  std::vector<Sums> sums(stations.size());
  for_each_step(simulation, record, [&](const Step& step, std::size_t, std::size_t station) {
    StationUse& use = result.stations[station];
    const Nanoseconds wait = step.started - step.asked;
    sums[station].waited += wait.count();
    ++sums[station].clients;
    use.longest_wait = std::max(use.longest_wait, wait);
    if (stations[station].kind != Station::Kind::kBatch)
      sums[station].busy += wide(step.ready - step.started);
  });
  for (const Batch& batch : record.batches)
    sums[batch.station].busy += wide(batch.ready - batch.started);
  const Wide elapsed = std::max<Wide>(wide(result.elapsed), 1);
  for (std::size_t i = 0; i < stations.size(); ++i) {
    StationUse& use = result.stations[i];
    if (sums[i].clients > 0) use.mean_wait = mean_of(sums[i].waited, sums[i].clients);
    use.utilisation =
        static_cast<double>(sums[i].busy / elapsed / static_cast<Wide>(stations[i].count));
    use.mean_queue = static_cast<double>(static_cast<Wide>(sums[i].waited) / elapsed);
    for (const QueueLength& queue : queue_at(simulation, record, i))
      use.longest_queue = std::max(use.longest_queue, queue.waiting);
  }
}

}  // namespace

Nanoseconds nearest_rank(const std::vector<Nanoseconds>& sorted, double percent) {
  return sorted[rank(sorted.size(), percent) - 1];
}

Nanoseconds Statistics::percentile(double percent) const {
  const std::size_t of_all = rank(clients, percent);
  return of_all <= services.size() ? services[of_all - 1] : Nanoseconds::max();
}

Statistics statistics_of(const Simulation& simulation, const Record& record, const Target& target) {
  Statistics result;
  add_services(simulation, record, target, result);
  if (simulation.mode == Mode::kConstrained) add_stations(simulation, record, result);
  return result;
}

std::vector<QueueLength> queue_at(const Simulation& simulation, const Record& record,
                                  std::size_t station) {
  std::vector<std::pair<Nanoseconds, int>> changes;
  for_each_step(simulation, record, [&](const Step& step, std::size_t, std::size_t at) {
    if (at != station || step.started == step.asked) return;
    changes.emplace_back(step.asked, 1);
    changes.emplace_back(step.started, -1);
  });
  std::sort(changes.begin(), changes.end());
  std::vector<QueueLength> lengths;
  std::size_t waiting = 0;
  for (const auto& [at, change] : changes) {
    waiting += static_cast<std::size_t>(change);
    if (lengths.empty() || lengths.back().since != at) lengths.push_back({at, 0});
    lengths.back().waiting = waiting;
  }
  return lengths;
}

}  // namespace brigade::apps
