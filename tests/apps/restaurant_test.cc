#include "brigade/apps/restaurant.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/apps/duration.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

/// When the dishes of a client were ready, and all of them, since its arrival.
struct Visit {
  Nanoseconds soda, burger, fries, service;
  bool operator==(const Visit&) const = default;
};

std::vector<Visit> visits_of(const Simulation& simulation) {
  const Record record = simulate(simulation);
  std::vector<Visit> visits;
  for (const Client& client : record.clients) {
    Nanoseconds dishes[3];
    const auto& needs = simulation.scenario.orders[0].needs;
    for (std::size_t i = 0; i < needs.size(); ++i)
      dishes[needs[i]] = record.steps[client.first_step + i].ready - client.arrival;
    visits.push_back({dishes[0], dishes[1], dishes[2], client.service});
  }
  return visits;
}

std::vector<Nanoseconds> regular_arrivals(std::size_t clients, Nanoseconds period) {
  return arrivals_of({.clients = clients, .period = period});
}

std::vector<Visit> serve(const Kitchen& kitchen, Mode mode, std::vector<Nanoseconds> arrivals) {
  Simulation simulation;
  simulation.scenario = restaurant(kitchen, mode);
  simulation.mode = mode;
  simulation.arrivals = std::move(arrivals);
  return visits_of(simulation);
}

/// The service times in seconds, exact, clients in the order of arrival.
std::string times(const Kitchen& kitchen, Mode mode, std::vector<Nanoseconds> arrivals) {
  std::string text;
  for (const Visit& visit : serve(kitchen, mode, std::move(arrivals))) {
    text += (text.empty() ? "" : " ") + seconds_text(visit.service);
  }
  return text;
}

std::string constrained(const Kitchen& kitchen, std::size_t clients, Nanoseconds period) {
  return times(kitchen, Mode::kConstrained, regular_arrivals(clients, period));
}

TEST_CASE("Restaurant: one order takes the sum of its dishes when they are made in turn") {
  CHECK(times(kKitchen2015, Mode::kSequential, {0s}) == "14.0");
  CHECK(times(kKitchen2022, Mode::kSequential, {0s}) == "8.0");
}

TEST_CASE("Restaurant: one order takes as long as its slowest dish when they are made together") {
  CHECK(constrained(kKitchen2015, 1, 0s) == "8.0");
  CHECK(constrained(kKitchen2022, 1, 0s) == "4.0");
}

TEST_CASE("Restaurant: two orders without constraints take as long as one") {
  CHECK(times(kKitchen2015, Mode::kUnconstrained, {0s, 0s}) == "8.0 8.0");
  CHECK(times(kKitchen2022, Mode::kUnconstrained, {0s, 0s}) == "4.0 4.0");
}

TEST_CASE("Restaurant: the second of two orders waits for the soda machine and shares the fries") {
  CHECK(serve(kKitchen2015, Mode::kConstrained, {0s, 0s}) ==
        std::vector<Visit>{{2s, 4s, 8s, 8s}, {4s, 4s, 8s, 8s}});
  CHECK(serve(kKitchen2022, Mode::kConstrained, {0s, 0s}) ==
        std::vector<Visit>{{1s, 3s, 4s, 4s}, {2s, 3s, 4s, 4s}});
}

TEST_CASE("Restaurant: ten orders at once take what the tutorials measured") {
  CHECK(constrained(kKitchen2015, 10, 0s) == "8.0 8.0 8.0 8.0 10.0 16.0 16.0 16.0 18.0 20.0");
  CHECK(constrained(kKitchen2022, 10, 0s) == "4.0 4.0 4.0 6.0 6.0 8.0 9.0 9.0 9.0 12.0");
}

TEST_CASE("Restaurant: ten orders at intervals take what the tutorials measured") {
  CHECK(constrained(kKitchen2015, 10, 2s) == "8.0 6.0 4.0 4.0 4.0 8.0 6.0 4.0 4.0 4.0");
  CHECK(constrained(kKitchen2015, 10, 1s) == "8.0 7.0 6.0 5.0 6.0 11.0 10.0 9.0 10.0 11.0");
  CHECK(constrained(kKitchen2022, 10, 1s) == "4.0 3.0 3.0 3.0 3.0 4.0 3.0 3.0 3.0 3.0");
}

TEST_CASE("Restaurant: at two clients a second, half of ten wait 5 s or longer") {
  CHECK(constrained(kKitchen2022, 10, 500ms) == "4.0 3.5 3.0 4.5 4.5 5.5 6.0 6.0 6.0 7.5");
}

TEST_CASE("Restaurant: stations that keep up serve any number of clients within 4 s") {
  for (const std::size_t clients : {1U, 10U, 1000U}) {
    const auto visits =
        serve(kKitchenSolution, Mode::kConstrained, regular_arrivals(clients, 500ms));
    const auto slowest =
        std::max_element(visits.begin(), visits.end(),
                         [](const Visit& a, const Visit& b) { return a.service < b.service; });
    CHECK(slowest->service == 4s);
  }
}

TEST_CASE(
    "Restaurant: in sequence, ten orders at once keep the last client for ten times as long") {
  CHECK(times(kKitchen2015, Mode::kSequential, regular_arrivals(10, 0s)) ==
        "14.0 28.0 42.0 56.0 70.0 84.0 98.0 112.0 126.0 140.0");
}

TEST_CASE("Restaurant: the opening story, whose B comes 30 s after A") {
  Kitchen kitchen;
  kitchen.burger_time = 60s;
  kitchen.fries_time = 120s;
  kitchen.soda_time = 30s;

  CHECK(serve(kitchen, Mode::kSequential, {0s, 30s}) ==
        std::vector<Visit>{{210s, 60s, 180s, 210s}, {390s, 240s, 360s, 390s}});
  CHECK(serve(kitchen, Mode::kConstrained, {0s, 30s}) ==
        std::vector<Visit>{{30s, 60s, 120s, 120s}, {30s, 60s, 90s, 90s}});
}

TEST_CASE("Restaurant: arrivals do not drift over many clients") {
  const auto visits = serve(kKitchen2022, Mode::kUnconstrained, regular_arrivals(1001, 3ns));

  CHECK(visits.back() == Visit{1s, 3s, 4s, 4s});
}

TEST_CASE("Restaurant: a vat of one fries for each client, a huge one for all of them") {
  Kitchen kitchen = kKitchen2022;
  kitchen.vat_size = 1;
  CHECK(constrained(kitchen, 3, 0s) == "4.0 8.0 12.0");

  kitchen.vat_size = 1'000'000'000'000;
  CHECK(constrained(kitchen, 8, 0s) == "4.0 4.0 4.0 6.0 6.0 6.0 9.0 9.0");
}

TEST_CASE("Restaurant: dishes that take no time are ready on arrival") {
  Kitchen kitchen;
  kitchen.soda_time = kitchen.burger_time = kitchen.fries_time = 0s;

  CHECK(constrained(kitchen, 7, 1s) == "0.0 0.0 0.0 0.0 0.0 0.0 0.0");
}

TEST_CASE("Restaurant: a kitchen without a station is refused") {
  Kitchen no_machine, no_cook, no_vat;
  no_machine.soda_machines = 0;
  no_cook.cooks = 0;
  no_vat.vat_size = 0;

  for (const Kitchen& kitchen : {no_machine, no_cook, no_vat}) {
    CHECK_THROWS_AS(serve(kitchen, Mode::kConstrained, {0s}), std::invalid_argument);
  }
}

struct Figures {
  const char* of;
  Kitchen kitchen;
  Mode mode;
  std::vector<Nanoseconds> arrivals;
  double speed;
};

/// By how much, at most, a client was served later than on the virtual clock; never sooner.
double worst_delay(const Figures& figures) {
  Simulation simulation;
  simulation.scenario = restaurant(figures.kitchen, figures.mode);
  simulation.mode = figures.mode;
  simulation.arrivals = figures.arrivals;
  const std::vector<Visit> exact = visits_of(simulation);
  simulation.clock = ClockKind::kReal;
  simulation.speed = figures.speed;
  const std::vector<Visit> real = visits_of(simulation);
  double worst = -1;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const auto late = static_cast<double>((real[i].service - exact[i].service).count());
    worst = std::max(worst, late / static_cast<double>(exact[i].service.count()));
  }
  return worst;
}

TEST_CASE("Restaurant: the tutorials' figures come out on the real clock too, within 2 %") {
  const bool measuring = std::getenv("BRIGADE_MEASURE") != nullptr;
  Kitchen story;
  story.burger_time = 60s;
  story.fries_time = 120s;
  story.soda_time = 30s;
  const Mode together = Mode::kConstrained;

  for (const Figures& figures :
       {Figures{"2015, in turn", kKitchen2015, Mode::kSequential, {0s}, 20},
        {"2022, in turn", kKitchen2022, Mode::kSequential, {0s}, 20},
        {"2015, without constraints", kKitchen2015, Mode::kUnconstrained, {0s, 0s}, 20},
        {"2015, ten at once", kKitchen2015, together, regular_arrivals(10, 0s), 20},
        {"2015, one every 2 s", kKitchen2015, together, regular_arrivals(10, 2s), 20},
        {"2022, ten at once", kKitchen2022, together, regular_arrivals(10, 0s), 20},
        {"2022, one every 1 s", kKitchen2022, together, regular_arrivals(10, 1s), 20},
        {"2022, one every 0.5 s", kKitchen2022, together, regular_arrivals(10, 500ms), 20},
        {"the solution", kKitchenSolution, together, regular_arrivals(10, 500ms), 20},
        {"the opening story", story, together, {0s, 30s}, 200}}) {
    CAPTURE(figures.of);
    double best = worst_delay(figures);
    CHECK(best >= 0);  // Never early. How late is a matter of the machine: see BRIGADE_MEASURE.
    for (int run = 1; measuring && run < 20 && best > 0.02; ++run)
      best = std::min(best, worst_delay(figures));
    std::printf("%s: %.2f %% late\n", figures.of, 100 * best);
    if (measuring) CHECK(best <= 0.02);
  }
}

TEST_CASE("Restaurant: on the real clock no dish is early, and times are the restaurant's") {
  Simulation simulation;
  simulation.scenario = restaurant(kKitchen2022);
  simulation.clock = ClockKind::kReal;
  simulation.speed = 1000;
  simulation.arrivals = regular_arrivals(3, 1s);

  const std::vector<Visit> visits = visits_of(simulation);

  REQUIRE(visits.size() == 3);
  for (const Visit& visit : visits) {
    CHECK(visit.soda >= 1s);
    CHECK(visit.burger >= 3s);
    CHECK(visit.service >= std::max({visit.soda, visit.burger, visit.fries}));
  }
  CHECK(visits[0].fries >= 4s);
}

}  // namespace
}  // namespace brigade::apps
