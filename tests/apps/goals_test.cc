#include "brigade/apps/goals.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include "brigade/apps/restaurant.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

/// Ten clients at two a second, whom the tutorial's restaurant serves in
/// 4 3.5 3 4.5 4.5 5.5 6 6 6 7.5 s.
Statistics ten_clients() {
  Simulation simulation;
  simulation.scenario = restaurant(kKitchen2022);
  for (int i = 0; i < 10; ++i) simulation.arrivals.push_back(i * 500ms);
  return statistics_of(simulation, simulate(simulation), {.timeout = 5s});
}

TEST_CASE("Goal: each metric is compared with its value, and says what was measured") {
  struct Case {
    const char* goal;
    bool met;
    const char* measured;
  };
  const Scenario scenario = restaurant(kKitchen2022);
  const Statistics statistics = ten_clients();

  for (const Case& goal : {Case{"all<7.5s", false, "7.5s"},
                           {"all<=7.5s", true, "7.5s"},
                           {"max < 7501ms", true, "7.5s"},
                           {"min>3s", false, "3.0s"},
                           {"min>=3", true, "3.0s"},
                           {"mean<5.05s", false, "5.05s"},
                           {"p50<=4.5s", true, "4.5s"},
                           {"p90<6s", false, "6.0s"},
                           {"p99.9<8s", true, "7.5s"},
                           {"satisfied>=50%", true, "50%"},
                           {"satisfied>50", false, "50%"},
                           {"failed<=0", true, "0"},
                           {"throughput>0.8/s", true, "0.833333"},
                           {"elapsed<12s", false, "12.0s"},
                           {"max queue burger<4", false, "4"},
                           {"mean queue soda<2", true, "1.875"},
                           {"max wait fries<=5s", true, "5.0s"},
                           {"mean wait fries<3s", true, "2.95s"},
                           {"utilisation soda<80%", false, "83.3333%"}}) {
    CAPTURE(goal.goal);
    const Goal parsed = Goal::parse(goal.goal);
    parsed.check(scenario);
    CHECK(parsed.text() == goal.goal);
    CHECK(parsed.met(scenario, statistics) == goal.met);
    CHECK(parsed.measured(scenario, statistics) == goal.measured);
  }
}

TEST_CASE("Goal: what is none is refused") {
  for (const char* bad : {"", "p95", "p95=4s", "p95<", "p95<4 s", "p0<1s", "p101<1s", "p<1s",
                          "px<1s", "median<1s", "satisfied>=101%", "satisfied>=x",
                          "max queue burger<1s", "throughput>-1", "all<-1s", "all<99%"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Goal::parse(bad), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(Goal::parse("max queue bar<10").check(restaurant(kKitchen2022)),
                       doctest::Contains("no station 'bar'; accepted are soda burger fries"),
                       std::invalid_argument);
}

TEST_CASE("Goal: who failed misses every goal on service times") {
  Record record;
  record.clients.resize(10);
  record.clients[3].failed = true;
  Simulation simulation;
  simulation.mode = Mode::kUnconstrained;
  const Statistics statistics = statistics_of(simulation, record, {});
  const auto met = [&](const char* goal) {
    return Goal::parse(goal).met(simulation.scenario, statistics);
  };

  CHECK_FALSE(met("all<1h"));
  CHECK_FALSE(met("mean<1h"));
  CHECK_FALSE(met("p95<1h"));
  CHECK(met("p90<1h"));
  CHECK_FALSE(met("failed<=0"));
  CHECK(Goal::parse("all<1h").measured(simulation.scenario, statistics) == "never");
}

}  // namespace
}  // namespace brigade::apps
