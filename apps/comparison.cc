#include "brigade/apps/comparison.h"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "brigade/apps/columns.h"
#include "brigade/apps/duration.h"

namespace brigade::apps {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void add_time(Rows& rows, const std::string& name, Nanoseconds before, Nanoseconds after) {
  const std::string sign = after > before ? "+" : after < before ? "-" : "";
  const Nanoseconds change = after > before ? after - before : before - after;
  rows.push_back({name, seconds_text(before), seconds_text(after), sign + seconds_text(change)});
}

void add_stations(Rows& rows, const Report& before, const Report& after) {
  for (std::size_t i = 0; i < before.statistics.stations.size(); ++i) {
    const Station& station = before.simulation.scenario.stations[i];
    const std::vector<Station>& others = after.simulation.scenario.stations;
    const auto other = std::find_if(others.begin(), others.end(),
                                    [&](const Station& s) { return s.name == station.name; });
    if (other == others.end()) continue;
    const auto k = static_cast<std::size_t>(other - others.begin());
    const StationUse& was = before.statistics.stations[i];
    const StationUse& is = after.statistics.stations[k];
    rows.push_back({station.name + ": places", std::to_string(station.places()),
                    std::to_string(other->places()), ""});
    rows.push_back(
        {station.name + ": used", percent_text(was.utilisation), percent_text(is.utilisation), ""});
    rows.push_back({station.name + ": max queue", std::to_string(was.longest_queue),
                    std::to_string(is.longest_queue), ""});
  }
}

std::string verdict(const Goal& goal, const Report& report) {
  const Scenario& scenario = report.simulation.scenario;
  return (goal.met(scenario, report.statistics) ? "met, " : "missed, ") +
         goal.measured(scenario, report.statistics);
}

}  // namespace

Comparison compare(const Report& before, const Report& after) {
  Comparison result{before, after};
  const std::vector<Client>&was = before.record.clients, &is = after.record.clients;
  for (std::size_t i = 0; i < std::min(was.size(), is.size()); ++i) {
    if (is[i].service < was[i].service)
      ++result.sooner;
    else if (is[i].service > was[i].service)
      ++result.later;
    else
      ++result.equal;
  }
  return result;
}

void print_text(std::ostream& out, const Comparison& comparison) {
  const Statistics &was = comparison.before.statistics, &is = comparison.after.statistics;
  Rows rows{{"", "A", "B", "change"}};
  rows.push_back({"satisfied", std::to_string(was.satisfied) + '/' + std::to_string(was.clients),
                  std::to_string(is.satisfied) + '/' + std::to_string(is.clients), ""});
  add_time(rows, "min s", was.min, is.min);
  add_time(rows, "mean s", was.mean, is.mean);
  add_time(rows, "p50 s", was.percentile(50), is.percentile(50));
  add_time(rows, "p95 s", was.percentile(95), is.percentile(95));
  add_time(rows, "p99 s", was.percentile(99), is.percentile(99));
  add_time(rows, "max s", was.max, is.max);
  rows.push_back({"served a second", rounded(was.throughput), rounded(is.throughput), ""});
  add_stations(rows, comparison.before, comparison.after);
  for (const Goal& goal : comparison.before.goals)
    rows.push_back(
        {goal.text(), verdict(goal, comparison.before), verdict(goal, comparison.after), ""});
  print_columns(out, rows);
  out << "with B " << comparison.sooner << " clients are served sooner, " << comparison.later
      << " later, " << comparison.equal << " in the same time\n";
}

void print_json(std::ostream& out, const Comparison& comparison) {
  out << "{\"sooner\":" << comparison.sooner << ",\"later\":" << comparison.later
      << ",\"equal\":" << comparison.equal << ",\n\"a\":";
  print_json(out, comparison.before);
  out << ",\"b\":";
  print_json(out, comparison.after);
  out << "}\n";
}

}  // namespace brigade::apps
