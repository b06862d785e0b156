#include "brigade/apps/statistics.h"

#include <chrono>
#include <vector>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

Record record_of(const std::vector<Nanoseconds>& services) {
  Record record;
  for (const Nanoseconds service : services) record.clients.push_back({.service = service});
  return record;
}

/// One order that needs no station.
Simulation nothing_needed() {
  Simulation simulation;
  simulation.scenario.orders.resize(1);
  return simulation;
}

Statistics summarize(const Record& record, const Target& target) {
  return statistics_of(nothing_needed(), record, target);
}

std::vector<Nanoseconds> one_to(int n) {
  std::vector<Nanoseconds> values;
  for (int i = 1; i <= n; ++i) values.push_back(Nanoseconds(i));
  return values;
}

TEST_CASE("Statistics: a percentile is the value of the nearest rank, never between two") {
  CHECK(nearest_rank(one_to(1), 1) == 1ns);
  CHECK(nearest_rank(one_to(1), 99) == 1ns);
  CHECK(nearest_rank(one_to(5), 30) == 2ns);
  CHECK(nearest_rank(one_to(5), 40) == 2ns);
  CHECK(nearest_rank(one_to(5), 50) == 3ns);
  CHECK(nearest_rank(one_to(10), 50) == 5ns);
  CHECK(nearest_rank(one_to(10), 90) == 9ns);
  CHECK(nearest_rank(one_to(10), 95) == 10ns);
  CHECK(nearest_rank(one_to(100), 99) == 99ns);
  CHECK(nearest_rank(one_to(101), 99) == 100ns);
  CHECK(nearest_rank(one_to(100), 100) == 100ns);
}

TEST_CASE("Statistics: the summary does not depend on the order of the clients") {
  const Record record = record_of({9ns, 1ns, 10ns, 2ns, 8ns, 3ns, 7ns, 4ns, 6ns, 5ns});

  const Statistics summary = summarize(record, {.timeout = 5ns});

  CHECK(summary.min == 1ns);
  CHECK(summary.max == 10ns);
  CHECK(summary.percentile(50) == 5ns);
  CHECK(summary.percentile(90) == 9ns);
  CHECK(summary.percentile(95) == 10ns);
  CHECK(summary.percentile(99) == 10ns);
  CHECK(summary.satisfied == 4);
}

TEST_CASE("Statistics: the mean is rounded to the nearest nanosecond and cannot overflow") {
  CHECK(summarize(record_of({1ns, 1ns, 2ns}), {}).mean == 1ns);
  CHECK(summarize(record_of({1ns, 2ns, 2ns}), {}).mean == 2ns);
  const Nanoseconds longest = Nanoseconds::max();
  CHECK(summarize(record_of({longest, longest, longest}), {}).mean == longest);
}

TEST_CASE("Statistics: who waits exactly the timeout is satisfied only if it is inclusive") {
  CHECK(Target{5s, false}.satisfied_by(5s - 1ns));
  CHECK_FALSE(Target{5s, false}.satisfied_by(5s));
  CHECK(Target{5s, true}.satisfied_by(5s));
  CHECK_FALSE(Target{5s, true}.satisfied_by(5s + 1ns));
}

TEST_CASE("Statistics: elapsed is the last completion, not that of the last client") {
  Record record;
  record.clients = {{.arrival = 0s, .service = 9s}, {.arrival = 5s, .service = 3s}};

  CHECK(summarize(record, {}).elapsed == 9s);
}

TEST_CASE("Statistics: a percentile may have three decimals") {
  CHECK(nearest_rank(one_to(1000), 99.9) == 999ns);
  CHECK(nearest_rank(one_to(1001), 99.9) == 1000ns);
  CHECK(nearest_rank(one_to(100'000), 99.999) == 99'999ns);
  CHECK(nearest_rank(one_to(100'000), 0.001) == 1ns);
}

TEST_CASE("Statistics: who failed is never served, in percentiles too") {
  Record record = record_of({1ns, 2ns, 3ns, 4ns});
  record.clients[1].failed = true;

  const Statistics statistics = summarize(record, {.timeout = 4ns});

  CHECK(statistics.failed == 1);
  CHECK(statistics.satisfied == 2);
  CHECK(statistics.max == 4ns);
  CHECK(statistics.percentile(75) == 4ns);
  CHECK(statistics.percentile(76) == Nanoseconds::max());
}

TEST_CASE("Statistics: who is served in exactly the timeout is on the edge") {
  CHECK(summarize(record_of({1ns, 5ns, 5ns, 6ns}), {.timeout = 5ns}).on_edge == 2);
}

TEST_CASE("Statistics: on the real clock the edge is one real millisecond wide") {
  Simulation simulation = nothing_needed();
  simulation.clock = ClockKind::kReal;
  simulation.speed = 1000;
  const Record record = record_of({3999ms, 4s, 5s, 6s, 6001ms});

  CHECK(statistics_of(simulation, record, {.timeout = 5s}).on_edge == 3);
}

/// One cook who takes 2 s, and clients at 0, 0 and 3 s: the second waits 2 s, the third 1 s.
Simulation one_cook() {
  Simulation simulation = nothing_needed();
  simulation.scenario.stations.resize(1);
  simulation.scenario.stations[0].time = Distribution(2s);
  simulation.scenario.orders[0].needs = {0};
  simulation.arrivals = {0s, 0s, 3s};
  return simulation;
}

TEST_CASE("Statistics: a station's use, queue and waiting times are those of its steps") {
  const Simulation simulation = one_cook();
  const Record record = simulate(simulation);

  const Statistics statistics = statistics_of(simulation, record, {});

  REQUIRE(statistics.stations.size() == 1);
  const StationUse& use = statistics.stations[0];
  CHECK(use.utilisation == 1.0);
  CHECK(use.mean_queue == 0.5);
  CHECK(use.longest_queue == 1);
  CHECK(use.mean_wait == 1s);
  CHECK(use.longest_wait == 2s);
  const auto queue = queue_at(simulation, record, 0);
  REQUIRE(queue.size() == 4);
  CHECK(queue[2].since == 3s);
  CHECK(queue[2].waiting == 1);
}

TEST_CASE("Statistics: who leaves the queue as another comes does not stand in it with him") {
  Simulation simulation = one_cook();
  simulation.arrivals = {0s, 0s, 2s, 4s, 6s};

  const Statistics statistics = statistics_of(simulation, simulate(simulation), {});

  CHECK(statistics.stations[0].longest_queue == 1);
}

TEST_CASE("Statistics: Little's law holds, and a lost completion breaks it") {
  const Simulation simulation = one_cook();
  Record record = simulate(simulation);

  const Statistics statistics = statistics_of(simulation, record, {});
  CHECK(statistics.mean_present == 1.5);
  CHECK(statistics.little == 0.0);

  record.clients[0].failed = true;
  CHECK(statistics_of(simulation, record, {}).little > 0.1);
}

}  // namespace
}  // namespace brigade::apps
