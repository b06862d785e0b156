#include "brigade/apps/pictures.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "brigade/apps/chart.h"
#include "brigade/apps/columns.h"
#include "brigade/apps/duration.h"
#include "brigade/apps/lanes.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kClientsInLanes = 60;
constexpr std::size_t kMaxLanes = 40;
constexpr std::size_t kMaxPoints = 1500;
constexpr double kWidth = 1000, kLeft = 110, kPlot = 860;

constexpr std::array<const char*, 8> kColours{"#3b6fb6", "#d1842a", "#3f8f5b", "#a4508b",
                                              "#7a6a3a", "#2b8c9e", "#b0473c", "#6b6f76"};
const char* colour_of(std::size_t station) { return kColours[station % kColours.size()]; }

double in_seconds(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::string client_name(std::size_t client) { return "client_" + std::to_string(client + 1); }

/// Takes care that there are at most kMaxPoints.
Chart::Points thinned(const Chart::Points& points) {
  if (points.size() <= kMaxPoints) return points;
  Chart::Points fewer;
  for (std::size_t i = 0; i < kMaxPoints; ++i)
    fewer.push_back(points[i * (points.size() - 1) / (kMaxPoints - 1)]);
  return fewer;
}

/// Until when the lanes are drawn.
Nanoseconds end_of_lanes(const Record& record) {
  Nanoseconds end{};
  for (std::size_t i = 0; i < std::min(record.clients.size(), kClientsInLanes); ++i)
    end = std::max(end, record.clients[i].arrival + record.clients[i].service);
  return end;
}

/// Who took a portion at the same instant.
std::map<Nanoseconds, std::vector<std::size_t>> by_instant(const Lane& lane, Nanoseconds end) {
  std::map<Nanoseconds, std::vector<std::size_t>> takers;
  for (const Lane::PickUp& pick_up : lane.pick_ups)
    if (pick_up.at <= end) takers[pick_up.at].push_back(pick_up.client + 1);
  return takers;
}

class Drawing {
 public:
  explicit Drawing(const Report& report) : report_(report), end_(end_of_lanes(report.record)) {}

  std::string svg() {
    lanes();
    const double half = 380;
    shares({kLeft, top_, half, 220});
    times({kLeft + kPlot - half, top_, half, 220});
    top_ += 220 + 80;
    if (!report_.statistics.stations.empty()) queues();
    std::ostringstream out;
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << top_
        << "\" width=\"" << kWidth << "\" height=\"" << top_
        << "\" font-family=\"sans-serif\" font-size=\"11\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        << parts_ << "</svg>\n";
    return out.str();
  }

 private:
  void lanes() {
    constexpr double kBar = 18, kVat = 34;
    std::vector<Lane> all = lanes_of(report_.simulation, report_.record);
    const std::size_t shown = std::min(all.size(), kMaxLanes);
    double height = 0;
    for (std::size_t i = 0; i < shown; ++i) height += all[i].vat ? kVat : kBar;
    Chart chart({kLeft, top_, kPlot, height}, {0, in_seconds(end_)}, {0, 1});
    std::string title = "Who is at which station (the numbers are the clients')";
    if (report_.record.clients.size() > kClientsInLanes)
      title += ": the first " + std::to_string(kClientsInLanes) + " clients";
    if (shown < all.size())
      title += ", " + std::to_string(shown) + " of " + std::to_string(all.size()) + " places";
    chart.x_axis(title, "seconds");
    double down = 0;
    for (std::size_t i = 0; i < shown; ++i) {
      chart.label(down + 13, all[i].name);
      bars(chart, all[i], down);
      down += all[i].vat ? kVat : kBar;
    }
    add(chart, height + 70);
  }

  void bars(Chart& chart, const Lane& lane, double down) const {
    for (const Lane::Bar& bar : lane.bars) {
      if (bar.from > end_) continue;
      const std::string when =
          " from " + seconds_text(bar.from) + " to " + seconds_text(bar.to) + " s";
      chart.bar({in_seconds(bar.from), in_seconds(std::min(bar.to, end_))}, down + 1, 16,
                colour_of(lane.station), lane.vat ? "batch" : std::to_string(bar.client + 1),
                lane.name + ": " + (lane.vat ? "a batch" : client_name(bar.client)) + when);
    }
    for (const auto& [at, takers] : by_instant(lane, end_)) {
      std::string numbers;
      for (const std::size_t taker : takers)
        numbers += (numbers.empty() ? "" : " ") + std::to_string(taker);
      chart.mark(in_seconds(at), down + 20, 8, numbers,
                 lane.name + ": " + numbers + " at " + seconds_text(at) + " s");
    }
  }

  /// The time that the timeout and the goals set, drawn on the charts of service times.
  double limit() const {
    const Nanoseconds timeout = report_.target.timeout;
    return timeout == Nanoseconds::max() ? -1 : in_seconds(timeout);
  }

  void shares(Chart::Frame frame) {
    const std::vector<Nanoseconds>& sorted = report_.statistics.services;
    if (sorted.empty()) return;
    Chart::Points points{{in_seconds(sorted.front()), 0}};
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const double share =
          100 * static_cast<double>(i + 1) / static_cast<double>(report_.statistics.clients);
      points.emplace_back(in_seconds(sorted[i]), points.back().second);
      points.emplace_back(in_seconds(sorted[i]), share);
    }
    Chart chart(frame, {0, std::max(in_seconds(sorted.back()), limit()) * 1.05}, {0, 100});
    chart.axes("Clients served within a time", "seconds", "% of clients");
    chart.line(thinned(points), kColours[0]);
    chart.rule_x(limit(), "timeout " + rounded(limit()) + " s");
    for (const Goal& goal : report_.goals)
      if (const auto time = goal.service_limit()) chart.rule_x(in_seconds(*time), goal.text());
    add(chart, 0);
  }

  void times(Chart::Frame frame) {
    Chart::Points points;
    for (const Client& client : report_.record.clients)
      if (!client.failed)
        points.emplace_back(in_seconds(client.arrival), in_seconds(client.service));
    if (points.empty()) return;
    const double last = points.back().first, most = in_seconds(report_.statistics.max);
    Chart chart(frame, {0, last}, {0, std::max(most, limit()) * 1.05});
    chart.axes("Service time by arrival", "arrival, seconds", "seconds");
    chart.dots(thinned(points), kColours[0]);
    chart.rule_y(limit(), "timeout " + rounded(limit()) + " s");
    add(chart, 0);
  }

  void queues() {
    std::vector<Chart::Points> lines;
    double most = 1;
    const double end = in_seconds(report_.statistics.elapsed);
    for (std::size_t i = 0; i < report_.statistics.stations.size(); ++i) {
      Chart::Points points{{0, 0}};
      for (const QueueLength& queue : queue_at(report_.simulation, report_.record, i)) {
        points.emplace_back(in_seconds(queue.since), points.back().second);
        points.emplace_back(in_seconds(queue.since), static_cast<double>(queue.waiting));
        most = std::max(most, points.back().second);
      }
      points.emplace_back(end, points.back().second);
      lines.push_back(thinned(points));
    }
    Chart chart({kLeft, top_, kPlot, 180}, {0, end}, {0, most * 1.05});
    chart.axes("Clients in the queue of each station", "seconds", "clients");
    for (std::size_t i = 0; i < lines.size(); ++i) {
      chart.line(lines[i], colour_of(i));
      chart.legend(kPlot - 12, static_cast<int>(i), colour_of(i),
                   report_.simulation.scenario.stations[i].name);
    }
    add(chart, 180 + 50);
  }

  void add(const Chart& chart, double height) {
    parts_ += chart.svg();
    top_ += height;
  }

  const Report& report_;
  const Nanoseconds end_;
  double top_ = 40;
  std::string parts_;
};

}  // namespace

void write_svg(std::ostream& out, const Report& report) { out << Drawing(report).svg(); }

void write_html(std::ostream& out, const Report& report) {
  std::ostringstream numbers;
  print_text(numbers, report);
  out << "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>"
      << escaped(report.simulation.scenario.name) << ": " << report.statistics.satisfied << " of "
      << report.statistics.clients
      << " satisfied</title>\n<style>body{font-family:sans-serif;max-width:1000px;margin:1em auto;"
         "padding:0 "
         "1em}svg{width:100%;height:auto}pre{overflow-x:auto;font-size:12px}</style>\n<h1>"
      << escaped(report.simulation.scenario.name) << ": " << report.statistics.satisfied << " of "
      << report.statistics.clients << " clients satisfied</h1>\n"
      << Drawing(report).svg() << "<pre>" << escaped(numbers.str()) << "</pre>\n</html>\n";
}

void print_gantt(std::ostream& out, const Report& report, std::size_t width) {
  constexpr std::size_t kName = 14;
  const Nanoseconds end = std::max(end_of_lanes(report.record), Nanoseconds(1));
  const std::size_t columns = width - kName;
  const auto column = [&](Nanoseconds at) {
    const auto part = static_cast<double>(at.count()) / static_cast<double>(end.count());
    return std::min(static_cast<std::size_t>(part * static_cast<double>(columns)), columns);
  };
  const auto print = [&out](std::string name, const std::string& row) {
    name.resize(kName, ' ');
    name += row;
    out << name.substr(0, name.find_last_not_of(' ') + 1) << '\n';
  };
  std::string ruler(columns + kName, ' ');
  for (const double tick : ticks({0, in_seconds(end)}, static_cast<int>(columns / 10))) {
    const std::string text = rounded(tick);
    ruler.replace(column(to_nanoseconds(std::chrono::duration<double>(tick))), text.size(), text);
  }
  print("s", ruler);
  for (const Lane& lane : lanes_of(report.simulation, report.record)) {
    std::string row(columns, '.');
    for (const Lane::Bar& bar : lane.bars) {
      if (bar.from >= end) continue;
      const std::size_t from = column(bar.from), to = column(std::min(bar.to, end));
      const char sign = lane.vat ? '#' : static_cast<char>('0' + (bar.client + 1) % 10);
      row.replace(from, to - from, to - from, sign);
      if (lane.vat && to > from) row[from] = '[';
    }
    print(lane.name, row);
    if (!lane.vat) continue;
    std::vector<std::size_t> taken(columns);
    for (const Lane::PickUp& pick_up : lane.pick_ups)
      if (pick_up.at <= end) ++taken[std::min(column(pick_up.at), columns - 1)];
    std::string counts;
    for (const std::size_t count : taken)
      counts += count == 0 ? ' ' : count < 10 ? static_cast<char>('0' + count) : '+';
    print("  taken", counts);
  }
}

}  // namespace brigade::apps
