#include "brigade/apps/report.h"

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <ostream>

#include "brigade/apps/columns.h"
#include "brigade/apps/duration.h"

namespace brigade::apps {
namespace {

// A table of more than kTableRows clients shows the first and the last kTableEnds.
constexpr std::size_t kTableRows = 50;
constexpr std::size_t kTableEnds = 20;

constexpr const char* kGreen = "\033[32m";
constexpr const char* kRed = "\033[31m";
constexpr const char* kPlain = "\033[0m";

std::string painted(const std::string& text, bool good, const Look& look) {
  return look.colour ? (good ? kGreen : kRed) + text + kPlain : text;
}

double in_seconds(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

class Table {
 public:
  Table(std::ostream& out, const Report& report, const Look& look)
      : out_(out), report_(report), look_(look) {}

  void print() const {
    const Scenario& scenario = report_.simulation.scenario;
    out_ << std::left << std::setw(15) << "client" << std::right;
    cell("arrival s");
    for (const Station& station : scenario.stations) cell(station.name + " s");
    cell("service s");
    if (scenario.orders.size() > 1) cell("order");
    out_ << "  satisfied\n";
    const std::size_t n = report_.record.clients.size();
    for (std::size_t i = 0; i < n; ++i) {
      if (n > kTableRows && i == kTableEnds) {
        out_ << "... " << n - 2 * kTableEnds << " more\n";
        i = n - kTableEnds;
      }
      row(i);
    }
  }

 private:
  void cell(const std::string& text) const { out_ << ' ' << std::setw(11) << text; }
  void row(std::size_t index) const {
    const Scenario& scenario = report_.simulation.scenario;
    const Client& client = report_.record.clients[index];
    const Order& order = scenario.orders[client.order];
    out_ << std::left << std::setw(15) << "client_" + std::to_string(index + 1) << std::right;
    cell(seconds_text(client.arrival));
    for (std::size_t station = 0; station < scenario.stations.size(); ++station) {
      const auto need = std::find(order.needs.begin(), order.needs.end(), station);
      const auto at = static_cast<std::size_t>(need - order.needs.begin());
      const Step* const step =
          need == order.needs.end() ? nullptr : &report_.record.steps[client.first_step + at];
      cell(step == nullptr ? "-" : seconds_text(step->ready - client.arrival));
    }
    cell(client.failed ? "failed" : seconds_text(client.service));
    if (scenario.orders.size() > 1) cell(order.name);
    const bool satisfied = report_.target.satisfied_by(client);
    out_ << "  " << painted(satisfied ? "yes" : "no", satisfied, look_) << '\n';
  }

  std::ostream& out_;
  const Report& report_;
  const Look& look_;
};

void print_services(std::ostream& out, const Statistics& statistics) {
  const auto rank = [&](double percent) {
    const Nanoseconds time = statistics.percentile(percent);
    return time == Nanoseconds::max() ? "never" : seconds_text(time);
  };
  out << "service s: min " << seconds_text(statistics.min) << ", mean "
      << seconds_text(statistics.mean) << ", max " << seconds_text(statistics.max) << ", p50 "
      << rank(50) << ", p90 " << rank(90) << ", p95 " << rank(95) << ", p99 " << rank(99)
      << "; elapsed " << seconds_text(statistics.elapsed) << '\n'
      << "p99.9 " << rank(99.9) << "; " << rounded(statistics.throughput) << " served a second, "
      << rounded(statistics.mean_present) << " there on average (Little's law is off by "
      << percent_text(statistics.little) << ")\n";
  if (statistics.failed > 0) out << statistics.failed << " failed\n";
}

std::string places_text(const Station& station) {
  if (station.kind != Station::Kind::kBatch || station.count == 1)
    return std::to_string(station.places());
  return std::to_string(station.count) + "x" + std::to_string(station.batch);
}

void print_stations(std::ostream& out, const Report& report) {
  const std::vector<Station>& stations = report.simulation.scenario.stations;
  std::vector<std::vector<std::string>> rows{{"station", "places", "used", "mean queue",
                                              "max queue", "mean wait s", "max wait s", "serves/s",
                                              "load", "needs"}};
  for (std::size_t i = 0; i < stations.size(); ++i) {
    const StationUse& use = report.statistics.stations[i];
    const StationCapacity& capacity = report.capacity.stations[i];
    const bool asked = capacity.load > 0;
    rows.push_back({stations[i].name, places_text(stations[i]), percent_text(use.utilisation),
                    rounded(use.mean_queue), std::to_string(use.longest_queue),
                    rounded(in_seconds(use.mean_wait)), rounded(in_seconds(use.longest_wait)),
                    rounded(capacity.rate), asked ? percent_text(capacity.load) : "-",
                    asked ? std::to_string(capacity.needed) : "-"});
  }
  print_columns(out, rows);
}

void print_bottleneck(std::ostream& out, const Report& report) {
  const std::size_t at = report.capacity.bottleneck;
  const StationCapacity& capacity = report.capacity.stations[at];
  const Station& station = report.simulation.scenario.stations[at];
  out << "bottleneck: " << station.name << ", at most " << rounded(capacity.rate) << " a second";
  if (capacity.load > 0) {
    const bool batch = station.kind == Station::Kind::kBatch;
    out << "; the load needs " << (batch ? "a batch of " : "") << capacity.needed << ", it has "
        << (batch ? station.batch : station.count);
  }
  out << '\n';
  if (report.capacity.unstable)
    out << "unstable: more come than can be served, so these results depend on the number of "
           "clients\n";
}

void print_edge(std::ostream& out, const Report& report) {
  if (report.simulation.clock == ClockKind::kReal || report.statistics.on_edge == 0) return;
  out << "note: " << report.statistics.on_edge << " service times are exactly the timeout, which "
      << (report.target.inclusive ? "satisfies with --inclusive\n"
                                  : "does not satisfy without --inclusive\n");
}

}  // namespace

bool Report::goals_met() const {
  return std::all_of(goals.begin(), goals.end(), [this](const Goal& goal) {
    return goal.met(simulation.scenario, statistics);
  });
}

Report make_report(const Simulation& simulation, const Record& record, const Target& target,
                   const std::vector<Goal>& goals) {
  return {simulation,
          record,
          target,
          goals,
          statistics_of(simulation, record, target),
          capacity_of(simulation.scenario, simulation.load)};
}

void print_text(std::ostream& out, const Report& report, const Look& look) {
  const Statistics& statistics = report.statistics;
  if (!look.quiet) {
    Table(out, report, look).print();
    print_services(out, statistics);
    if (!statistics.stations.empty()) {
      print_stations(out, report);
      print_bottleneck(out, report);
    }
    print_edge(out, report);
  }
  for (const Goal& goal : report.goals) {
    const bool met = goal.met(report.simulation.scenario, statistics);
    out << "goal " << goal.text() << ": " << painted(met ? "met" : "missed", met, look) << " ("
        << goal.measured(report.simulation.scenario, statistics) << ")\n";
  }
  const bool all = statistics.satisfied == statistics.clients;
  out << painted(std::to_string(statistics.satisfied) + '/' + std::to_string(statistics.clients) +
                     " clients satisfied",
                 all, look)
      << '\n';
}

}  // namespace brigade::apps
