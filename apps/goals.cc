#include "brigade/apps/goals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "brigade/apps/duration.h"

namespace brigade::apps {
namespace {

constexpr const char* kAccepted =
    "accepted are METRIC<VALUE with <, <=, > or >=, of min, mean, max, all, p50, p99.9, elapsed "
    "(4s); satisfied (99%); failed, throughput (2); and of a station \"max queue NAME\", "
    "\"mean queue NAME\", \"max wait NAME\", \"mean wait NAME\", \"utilisation NAME\"";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool number(std::string_view text, double& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && value >= 0 && value <= 1e18;
}

std::size_t index_of(const Scenario& scenario, const std::string& name) {
  const auto found = std::find_if(scenario.stations.begin(), scenario.stations.end(),
                                  [&](const Station& s) { return s.name == name; });
  return static_cast<std::size_t>(found - scenario.stations.begin());
}

}  // namespace

void Goal::set_metric(std::string_view name) {
  struct Named {
    std::string_view name;
    Metric metric;
  };
  constexpr std::array<Named, 8> kWhole{{{"min", Metric::kMin},
                                         {"mean", Metric::kMean},
                                         {"max", Metric::kMax},
                                         {"all", Metric::kMax},
                                         {"satisfied", Metric::kSatisfied},
                                         {"failed", Metric::kFailed},
                                         {"throughput", Metric::kThroughput},
                                         {"elapsed", Metric::kElapsed}}};
  constexpr std::array<Named, 5> kOfStation{{{"mean queue ", Metric::kMeanQueue},
                                             {"max queue ", Metric::kMaxQueue},
                                             {"mean wait ", Metric::kMeanWait},
                                             {"max wait ", Metric::kMaxWait},
                                             {"utilisation ", Metric::kUtilisation}}};
  for (const Named& whole : kWhole) {
    if (name != whole.name) continue;
    metric_ = whole.metric;
    return;
  }
  for (const Named& part : kOfStation) {
    if (!name.starts_with(part.name)) continue;
    metric_ = part.metric;
    station_ = trimmed(name.substr(part.name.size()));
    return;
  }
  metric_ = Metric::kPercentile;
  if (!name.starts_with('p') || !number(name.substr(1), percent_) || percent_ < 0.001 ||
      percent_ > 100)
    throw std::invalid_argument("'" + text_ + "'; " + kAccepted);
}

Goal::Unit Goal::unit() const noexcept {
  switch (metric_) {
    case Metric::kSatisfied:
    case Metric::kUtilisation:
      return Unit::kPercent;
    case Metric::kFailed:
    case Metric::kThroughput:
    case Metric::kMeanQueue:
    case Metric::kMaxQueue:
      return Unit::kNumber;
    default:
      return Unit::kTime;
  }
}

Goal Goal::parse(std::string_view text) {
  Goal goal;
  goal.text_ = text;
  const std::size_t op = text.find_first_of("<>");
  if (op == text.npos) throw std::invalid_argument("'" + goal.text_ + "'; " + kAccepted);
  goal.set_metric(trimmed(text.substr(0, op)));
  goal.less_ = text[op] == '<';
  std::string_view value = text.substr(op + 1);
  goal.or_equal_ = value.starts_with('=');
  if (goal.or_equal_) value.remove_prefix(1);
  value = trimmed(value);
  if (goal.unit() == Unit::kTime) {
    goal.limit_ = static_cast<long double>(parse_duration(value).count());
    return goal;
  }
  const bool percent = goal.unit() == Unit::kPercent;
  double limit = 0;
  if (percent && value.ends_with('%')) value.remove_suffix(1);
  if (goal.metric_ == Metric::kThroughput && value.ends_with("/s")) value.remove_suffix(2);
  if (!number(value, limit) || (percent && limit > 100))
    throw std::invalid_argument("'" + goal.text_ + "'; " + kAccepted);
  goal.limit_ = limit;
  return goal;
}

void Goal::check(const Scenario& scenario) const {
  if (station_.empty() || index_of(scenario, station_) < scenario.stations.size()) return;
  std::string names;
  for (const Station& station : scenario.stations) names += " " + station.name;
  throw std::invalid_argument("'" + text_ + "': there is no station '" + station_ +
                              "'; accepted are" + names);
}

long double Goal::value(const Scenario& scenario, const Statistics& statistics) const {
  const auto time = [](Nanoseconds t) { return static_cast<long double>(t.count()); };
  const std::size_t at = station_.empty() ? 0 : index_of(scenario, station_);
  // Without stations to wait for, nobody does.
  const StationUse use = at < statistics.stations.size() ? statistics.stations[at] : StationUse();
  switch (metric_) {
    case Metric::kMin:
      return time(statistics.services.empty() ? Nanoseconds::max() : statistics.min);
    case Metric::kMean:
      return time(statistics.failed > 0 ? Nanoseconds::max() : statistics.mean);
    case Metric::kPercentile:
      return time(statistics.percentile(percent_));
    case Metric::kMax:
      return time(statistics.percentile(100));
    case Metric::kSatisfied:
      return 100.0L * static_cast<long double>(statistics.satisfied) /
             static_cast<long double>(statistics.clients);
    case Metric::kFailed:
      return static_cast<long double>(statistics.failed);
    case Metric::kThroughput:
      return statistics.throughput;
    case Metric::kElapsed:
      return time(statistics.elapsed);
    case Metric::kMeanQueue:
      return use.mean_queue;
    case Metric::kMaxQueue:
      return static_cast<long double>(use.longest_queue);
    case Metric::kMeanWait:
      return time(use.mean_wait);
    case Metric::kMaxWait:
      return time(use.longest_wait);
    case Metric::kUtilisation:
      return 100 * use.utilisation;
  }
  return 0;
}

std::optional<Nanoseconds> Goal::service_limit() const noexcept {
  const bool of_services = metric_ == Metric::kMin || metric_ == Metric::kMean ||
                           metric_ == Metric::kPercentile || metric_ == Metric::kMax;
  if (!of_services) return {};
  return Nanoseconds(static_cast<std::int64_t>(limit_));
}

bool Goal::met(const Scenario& scenario, const Statistics& statistics) const {
  const long double measured = value(scenario, statistics);
  return (less_ ? measured < limit_ : measured > limit_) || (or_equal_ && measured == limit_);
}

std::string Goal::measured(const Scenario& scenario, const Statistics& statistics) const {
  const long double measured = value(scenario, statistics);
  if (unit() == Unit::kTime) {
    const Nanoseconds time(static_cast<std::int64_t>(measured));
    return time == Nanoseconds::max() ? "never" : seconds_text(time) + "s";
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.6Lg%s", measured, unit() == Unit::kPercent ? "%" : "");
  return text;
}

}  // namespace brigade::apps
