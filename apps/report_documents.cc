#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "brigade/apps/duration.h"
#include "brigade/apps/report.h"
#include "nlohmann/json.hpp"

namespace brigade::apps {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A number that JSON can hold.
std::string number(double value) { return nlohmann::json(value).dump(); }

std::string seconds_or_null(Nanoseconds time) {
  return time == Nanoseconds::max() ? "null" : seconds_text(time);
}

const char* mode_name(Mode mode) {
  if (mode == Mode::kConstrained) return "constrained";
  return mode == Mode::kUnconstrained ? "unconstrained" : "sequential";
}

/// What a client got at each station of its order, in the order of the stations.
template <class Visit>
void for_each_station(const Report& report, const Client& client, const Visit& visit) {
  const std::vector<std::size_t>& needs = report.simulation.scenario.orders[client.order].needs;
  for (std::size_t station = 0; station < report.simulation.scenario.stations.size(); ++station) {
    const auto need = std::find(needs.begin(), needs.end(), station);
    const auto at = static_cast<std::size_t>(need - needs.begin());
    visit(station, need == needs.end() ? nullptr : &report.record.steps[client.first_step + at]);
  }
}

void print_scenario(std::ostream& out, const Report& report) {
  const Scenario& scenario = report.simulation.scenario;
  out << ",\n\"scenario\":" << quoted(scenario.name) << ",\"stations\":[";
  for (std::size_t i = 0; i < scenario.stations.size(); ++i) {
    const Station& station = scenario.stations[i];
    const StationCapacity& capacity = report.capacity.stations[i];
    out << (i == 0 ? "\n" : ",\n") << "{\"name\":" << quoted(station.name)
        << ",\"count\":" << station.count << ",\"batch\":" << station.batch
        << ",\"time_s\":" << seconds_text(station.time.mean())
        << ",\"capacity_per_s\":" << number(capacity.rate);
    if (capacity.load > 0)
      out << ",\"load\":" << number(capacity.load) << ",\"needed\":" << capacity.needed
          << ",\"unstable\":" << (capacity.unstable ? "true" : "false");
    if (i < report.statistics.stations.size()) {
      const StationUse& use = report.statistics.stations[i];
      out << ",\"utilisation\":" << number(use.utilisation)
          << ",\"mean_queue\":" << number(use.mean_queue) << ",\"max_queue\":" << use.longest_queue
          << ",\"mean_wait_s\":" << seconds_text(use.mean_wait)
          << ",\"max_wait_s\":" << seconds_text(use.longest_wait);
    }
    out << '}';
  }
  out << ']';
  if (!report.statistics.stations.empty())
    out << ",\"bottleneck\":" << quoted(scenario.stations[report.capacity.bottleneck].name);
}

void print_numbers(std::ostream& out, const Report& report) {
  const Statistics& s = report.statistics;
  out << ",\n\"timeout_s\":" << seconds_or_null(report.target.timeout)
      << ",\"requests\":" << s.clients << ",\"satisfied\":" << s.satisfied
      << ",\"failed\":" << s.failed << ",\"elapsed_s\":" << seconds_text(s.elapsed)
      << ",\"throughput_per_s\":" << number(s.throughput)
      << ",\"mean_present\":" << number(s.mean_present)
      << ",\"little_residual\":" << number(s.little)
      << ",\"unstable\":" << (report.capacity.unstable ? "true" : "false")
      << ",\n\"service_s\":{\"min\":" << seconds_text(s.min) << ",\"mean\":" << seconds_text(s.mean)
      << ",\"max\":" << seconds_text(s.max);
  struct Rank {
    const char* name;
    double percent;
  };
  for (const Rank& rank : {Rank{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}})
    out << ",\"" << rank.name << "\":" << seconds_or_null(s.percentile(rank.percent));
  out << '}';
}

void print_goals(std::ostream& out, const Report& report) {
  out << ",\n\"goals\":[";
  for (std::size_t i = 0; i < report.goals.size(); ++i) {
    const Goal& goal = report.goals[i];
    const Scenario& scenario = report.simulation.scenario;
    out << (i == 0 ? "" : ",") << "{\"goal\":" << quoted(goal.text())
        << ",\"measured\":" << quoted(goal.measured(scenario, report.statistics))
        << ",\"met\":" << (goal.met(scenario, report.statistics) ? "true" : "false") << '}';
  }
  out << ']';
}

void print_client(std::ostream& out, const Report& report, std::size_t index) {
  const Scenario& scenario = report.simulation.scenario;
  const Client& client = report.record.clients[index];
  out << (index == 0 ? "\n" : ",\n") << "{\"name\":\"client_" << index + 1
      << "\",\"arrival_s\":" << seconds_text(client.arrival);
  if (scenario.orders.size() > 1)
    out << ",\"order\":" << quoted(scenario.orders[client.order].name);
  for_each_station(report, client, [&](std::size_t station, const Step* step) {
    if (step != nullptr)
      out << ",\"" << scenario.stations[station].name
          << "_s\":" << seconds_text(step->ready - client.arrival);
  });
  out << ",\"service_s\":" << (client.failed ? "null" : seconds_text(client.service))
      << ",\"satisfied\":" << (report.target.satisfied_by(client) ? "true" : "false") << '}';
}

/// The fixed stations of the tutorials, as they were called before there were others.
void print_restaurant(std::ostream& out, const std::vector<Station>& stations) {
  out << ",\n\"restaurant\":{\"soda_machines\":" << stations[0].count
      << ",\"soda_time_s\":" << seconds_text(stations[0].time.mean())
      << ",\"cooks\":" << stations[1].count
      << ",\"burger_time_s\":" << seconds_text(stations[1].time.mean())
      << ",\"vat_size\":" << stations[2].batch
      << ",\"fries_time_s\":" << seconds_text(stations[2].time.mean()) << '}';
}

}  // namespace

void print_json(std::ostream& out, const Report& report) {
  const Simulation& simulation = report.simulation;
  out << "{\"clock\":\"" << (simulation.clock == ClockKind::kVirtual ? "virtual" : "real")
      << "\",\"mode\":\"" << mode_name(simulation.mode) << '"';
  if (simulation.scenario.restaurant) print_restaurant(out, simulation.scenario.stations);
  print_scenario(out, report);
  print_numbers(out, report);
  print_goals(out, report);
  out << ",\n\"clients\":[";
  for (std::size_t i = 0; i < report.record.clients.size(); ++i) print_client(out, report, i);
  out << "]}\n";
}

void print_csv(std::ostream& out, const Report& report) {
  const Scenario& scenario = report.simulation.scenario;
  out << "client,order,arrival_s";
  for (const Station& station : scenario.stations) out << ',' << station.name << "_s";
  out << ",service_s,satisfied\n";
  for (std::size_t i = 0; i < report.record.clients.size(); ++i) {
    const Client& client = report.record.clients[i];
    out << "client_" << i + 1 << ',' << scenario.orders[client.order].name << ','
        << seconds_text(client.arrival);
    for_each_station(report, client, [&](std::size_t, const Step* step) {
      out << ',' << (step == nullptr ? "" : seconds_text(step->ready - client.arrival));
    });
    out << ',' << (client.failed ? "" : seconds_text(client.service)) << ','
        << (report.target.satisfied_by(client) ? "yes" : "no") << '\n';
  }
}

}  // namespace brigade::apps
