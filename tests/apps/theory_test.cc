// The simulation against what queueing theory knows in closed form, with seeds.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "brigade/apps/restaurant.h"
#include "brigade/apps/statistics.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kClients = 200'000;

double seconds(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

/// A station of `places` places that each client needs for `time`, mean 1 s, asked by Poisson
/// arrivals at `rate`.
Simulation queue(std::size_t places, Distribution time, double rate) {
  Simulation simulation;
  simulation.scenario.stations.resize(1);
  simulation.scenario.stations[0].count = places;
  simulation.scenario.stations[0].time = std::move(time);
  simulation.scenario.orders.resize(1);
  simulation.scenario.orders[0].needs = {0};
  simulation.load.pattern = Load::Pattern::kPoisson;
  simulation.load.rate = rate;
  simulation.load.clients = kClients;
  simulation.load.seed = 1;
  simulation.arrivals = arrivals_of(simulation.load);
  return simulation;
}

Statistics measured(const Simulation& simulation) {
  return statistics_of(simulation, simulate(simulation), {});
}

/// Erlang's C: the chance to wait for one of `places`, each busy for a share of `load`.
double chance_to_wait(std::size_t places, double load) {
  const double offered = load * static_cast<double>(places);
  double blocked = 1;  // Erlang's B, by its recursion
  for (std::size_t n = 1; n <= places; ++n)
    blocked = offered * blocked / (static_cast<double>(n) + offered * blocked);
  return blocked / (1 - load * (1 - blocked));
}

TEST_CASE("Theory: M/M/c waits as Erlang says, within 1 %") {
  for (const std::size_t places : {1U, 3U}) {
    CAPTURE(places);
    const double load = 0.5, rate = load * static_cast<double>(places);
    const Statistics statistics = measured(queue(places, Distribution::exponential(1s), rate));

    const double wait = chance_to_wait(places, load) / (static_cast<double>(places) - rate);
    CHECK(seconds(statistics.stations[0].mean_wait) == doctest::Approx(wait).epsilon(0.01));
    CHECK(seconds(statistics.mean) == doctest::Approx(1 + wait).epsilon(0.01));
    CHECK(statistics.stations[0].utilisation == doctest::Approx(load).epsilon(0.01));
    CHECK(statistics.stations[0].mean_queue == doctest::Approx(rate * wait).epsilon(0.015));
  }
}

TEST_CASE("Theory: M/D/1 waits half as long as M/M/1, within 1 %") {
  const double load = 0.5;
  const Statistics statistics = measured(queue(1, Distribution(1s), load));

  const double wait = load / (2 * (1 - load));  // Pollaczek and Khinchine
  CHECK(seconds(statistics.stations[0].mean_wait) == doctest::Approx(wait).epsilon(0.01));
  CHECK(seconds(statistics.mean) == doctest::Approx(1 + wait).epsilon(0.01));
}

TEST_CASE("Theory: M/M/1 serves within t as the exponential distribution says") {
  const Statistics statistics = measured(queue(1, Distribution::exponential(1s), 0.5));

  for (const double percent : {50.0, 90.0, 95.0, 99.0}) {
    const double within = -std::log(1 - percent / 100) / (1 - 0.5);
    CHECK(seconds(statistics.percentile(percent)) == doctest::Approx(within).epsilon(0.02));
  }
}

TEST_CASE(
    "Theory: the response time of a closed loop is its users over its rate, less their thinking") {
  Simulation simulation = queue(2, Distribution::exponential(1s), 1);
  simulation.load.pattern = Load::Pattern::kClosed;
  simulation.load.users = 20;
  simulation.load.think = 3s;
  simulation.load.clients = 50'000;

  const Statistics statistics = measured(simulation);

  CHECK(seconds(statistics.mean) == doctest::Approx(20 / statistics.throughput - 3).epsilon(0.01));
  CHECK(statistics.throughput == doctest::Approx(2).epsilon(0.01));  // Two places are the limit.
}

TEST_CASE("Theory: Little's law holds to rounding, whatever the load") {
  Simulation simulation = queue(3, Distribution::exponential(1s), 2.5);
  simulation.arrivals.resize(20'000);

  CHECK(std::abs(measured(simulation).little) < 1e-9);
}

TEST_CASE("Theory: the bottleneck of the tutorial's restaurant lets its queue grow by 1 in 1 s") {
  // At two clients a second and one soda a second, client k waits k/2 s for the soda.
  Simulation simulation;
  simulation.scenario = restaurant(kKitchen2022);
  simulation.load.period = 500ms;
  simulation.load.clients = 1000;
  simulation.arrivals = arrivals_of(simulation.load);

  const Record record = simulate(simulation);

  for (std::size_t k = 0; k < 1000; ++k)
    CHECK(record.steps[3 * k].started - record.steps[3 * k].asked == k * 500ms);
}

TEST_CASE("Theory: on the real clock the same scenario takes the same time within 2 %") {
  Simulation simulation;
  simulation.scenario = restaurant(kKitchen2022);
  simulation.scenario.stations[1].time = Distribution::exponential(3s);
  simulation.load.pattern = Load::Pattern::kPoisson;
  simulation.load.rate = 1;
  simulation.load.clients = 10;
  simulation.arrivals = arrivals_of(simulation.load);
  simulation.speed = 20;
  const Statistics exact = measured(simulation);
  simulation.clock = ClockKind::kReal;

  // Never early. How late is a matter of the machine, which is asked only if it is quiet.
  const bool measuring = std::getenv("BRIGADE_MEASURE") != nullptr;
  bool close = false;
  for (int run = 0; run < (measuring ? 20 : 1) && !close; ++run) {
    const Statistics real = measured(simulation);
    CHECK(real.elapsed >= exact.elapsed);
    close = seconds(real.mean) < 1.02 * seconds(exact.mean) &&
            seconds(real.max) < 1.02 * seconds(exact.max);
  }
  if (measuring) CHECK(close);
}

}  // namespace
}  // namespace brigade::apps
