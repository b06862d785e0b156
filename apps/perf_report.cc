#include "brigade/apps/perf_report.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "brigade/apps/duration.h"

namespace brigade::apps {
namespace {

// A table of more than kTableRows clients shows the first and the last kTableEnds.
constexpr std::size_t kTableRows = 50;
constexpr std::size_t kTableEnds = 20;

const char* mode_name(Mode mode) {
  if (mode == Mode::kConstrained) return "constrained";
  return mode == Mode::kUnconstrained ? "unconstrained" : "sequential";
}

void print_row(std::ostream& out, std::size_t client, const Visit& visit, bool satisfied) {
  const auto cell = [&out](Nanoseconds time) { out << std::setw(12) << seconds_text(time); };
  out << std::left << std::setw(15) << "client_" + std::to_string(client + 1) << std::right;
  cell(visit.arrival);
  cell(visit.soda);
  cell(visit.burger);
  cell(visit.fries);
  cell(visit.service);
  out << "  " << (satisfied ? "yes" : "no") << '\n';
}

}  // namespace

Nanoseconds nearest_rank(const std::vector<Nanoseconds>& sorted, std::size_t percent) {
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

Summary summarize(const std::vector<Visit>& visits, const Target& target) {
  Summary summary;
  std::vector<Nanoseconds> sorted;
  sorted.reserve(visits.size());
  __int128 sum = 0;
  for (const Visit& visit : visits) {
    sorted.push_back(visit.service);
    sum += visit.service.count();
    summary.satisfied += target.satisfied_by(visit.service) ? 1 : 0;
    summary.elapsed = std::max(summary.elapsed, visit.arrival + visit.service);
  }
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<std::int64_t>(visits.size());
  summary.min = sorted.front();
  summary.mean = Nanoseconds(static_cast<std::int64_t>((sum + n / 2) / n));
  summary.max = sorted.back();
  summary.p50 = nearest_rank(sorted, 50);
  summary.p90 = nearest_rank(sorted, 90);
  summary.p95 = nearest_rank(sorted, 95);
  summary.p99 = nearest_rank(sorted, 99);
  return summary;
}

void print_table(std::ostream& out, const Target& target, const std::vector<Visit>& visits) {
  out << std::left << std::setw(15) << "client" << std::right;
  for (const char* title : {"arrival s", "soda s", "burger s", "fries s", "service s"})
    out << std::setw(12) << title;
  out << "  satisfied\n";
  const bool folded = visits.size() > kTableRows;
  for (std::size_t i = 0; i < visits.size(); ++i) {
    if (folded && i == kTableEnds) {
      out << "... " << visits.size() - 2 * kTableEnds << " more\n";
      i = visits.size() - kTableEnds;
    }
    print_row(out, i, visits[i], target.satisfied_by(visits[i].service));
  }
  const Summary summary = summarize(visits, target);
  out << "service s: min " << seconds_text(summary.min) << ", mean " << seconds_text(summary.mean)
      << ", max " << seconds_text(summary.max) << ", p50 " << seconds_text(summary.p50) << ", p90 "
      << seconds_text(summary.p90) << ", p95 " << seconds_text(summary.p95) << ", p99 "
      << seconds_text(summary.p99) << "; elapsed " << seconds_text(summary.elapsed) << '\n'
      << summary.satisfied << '/' << visits.size() << " clients satisfied\n";
}

void print_json(std::ostream& out, const Scenario& scenario, const Target& target,
                const std::vector<Visit>& visits) {
  const Summary summary = summarize(visits, target);
  const Kitchen& kitchen = scenario.kitchen;
  out << "{\"clock\":\"" << (scenario.clock == ClockKind::kVirtual ? "virtual" : "real")
      << "\",\"mode\":\"" << mode_name(scenario.mode)
      << "\",\n\"restaurant\":{\"soda_machines\":" << kitchen.soda_machines
      << ",\"soda_time_s\":" << seconds_text(kitchen.soda_time) << ",\"cooks\":" << kitchen.cooks
      << ",\"burger_time_s\":" << seconds_text(kitchen.burger_time)
      << ",\"vat_size\":" << kitchen.vat_size
      << ",\"fries_time_s\":" << seconds_text(kitchen.fries_time)
      << "},\n\"timeout_s\":" << seconds_text(target.timeout) << ",\"requests\":" << visits.size()
      << ",\"satisfied\":" << summary.satisfied
      << ",\"elapsed_s\":" << seconds_text(summary.elapsed)
      << ",\n\"service_s\":{\"min\":" << seconds_text(summary.min)
      << ",\"mean\":" << seconds_text(summary.mean) << ",\"max\":" << seconds_text(summary.max)
      << ",\"p50\":" << seconds_text(summary.p50) << ",\"p90\":" << seconds_text(summary.p90)
      << ",\"p95\":" << seconds_text(summary.p95) << ",\"p99\":" << seconds_text(summary.p99)
      << "},\n\"clients\":[";
  for (std::size_t i = 0; i < visits.size(); ++i) {
    const Visit& visit = visits[i];
    out << (i == 0 ? "\n" : ",\n") << "{\"name\":\"client_" << i + 1
        << "\",\"arrival_s\":" << seconds_text(visit.arrival)
        << ",\"soda_s\":" << seconds_text(visit.soda)
        << ",\"burger_s\":" << seconds_text(visit.burger)
        << ",\"fries_s\":" << seconds_text(visit.fries)
        << ",\"service_s\":" << seconds_text(visit.service)
        << ",\"satisfied\":" << (target.satisfied_by(visit.service) ? "true" : "false") << '}';
  }
  out << "]}\n";
}

}  // namespace brigade::apps
