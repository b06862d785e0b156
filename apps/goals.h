#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "brigade/apps/scenario.h"
#include "brigade/apps/statistics.h"

namespace brigade::apps {

/// What a run must reach: "p95<4s", "all<5s", "satisfied>=99%", "max queue burger<10".
class Goal {
 public:
  /// METRIC OP VALUE, where OP is <, <=, > or >=, and METRIC is
  /// - of the service times min, mean, max, all (the same as max), or pN such as p50 and p99.9;
  /// - satisfied (in %), failed, throughput (a second), elapsed;
  /// - of a station `mean queue NAME`, `max queue NAME`, `mean wait NAME`, `max wait NAME`, or
  ///   `utilisation NAME` (in %).
  ///
  /// Errors: std::invalid_argument, naming the text and what is accepted.
  static Goal parse(std::string_view text);

  /// Errors: std::invalid_argument if the scenario has no such station.
  void check(const Scenario& scenario) const;

  const std::string& text() const noexcept { return text_; }
  bool met(const Scenario& scenario, const Statistics& statistics) const;

  /// What was measured, as it is written in a goal: "3.5s", "99%".
  std::string measured(const Scenario& scenario, const Statistics& statistics) const;

  /// The same as a number, in nanoseconds or %; and whether less of it is better.
  long double value(const Scenario& scenario, const Statistics& statistics) const;
  bool less_is_better() const noexcept { return less_; }

  /// The time that service times are compared with, if that is what the goal is about.
  std::optional<Nanoseconds> service_limit() const noexcept;

 private:
  enum class Metric {
    kMin,
    kMean,
    kPercentile,
    kMax,
    kSatisfied,
    kFailed,
    kThroughput,
    kElapsed,
    kMeanQueue,
    kMaxQueue,
    kMeanWait,
    kMaxWait,
    kUtilisation,
  };
  enum class Unit { kTime, kPercent, kNumber };
  void set_metric(std::string_view name);
  Unit unit() const noexcept;

  std::string text_;
  Metric metric_ = Metric::kMax;
  double percent_ = 100;
  std::string station_;
  bool less_ = true;       // < or <=
  bool or_equal_ = false;  // <= or >=
  long double limit_ = 0;
};

}  // namespace brigade::apps
