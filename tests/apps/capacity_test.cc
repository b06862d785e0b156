#include "brigade/apps/capacity.h"

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "brigade/apps/restaurant.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

Load at_rate(double rate) {
  Load load;
  load.rate = rate;
  load.clients = 10;
  return load;
}

TEST_CASE("Capacity: at two clients a second the tutorial's restaurant needs 2, 6 and 8") {
  const Capacity capacity = capacity_of(restaurant(kKitchen2022), at_rate(2));

  CHECK(capacity.stations[0].rate == doctest::Approx(1));
  CHECK(capacity.stations[1].rate == doctest::Approx(1));
  CHECK(capacity.stations[2].rate == doctest::Approx(1.25));
  CHECK(capacity.stations[2].load == doctest::Approx(1.6));
  CHECK(capacity.stations[0].needed == 2);
  CHECK(capacity.stations[1].needed == 6);
  CHECK(capacity.stations[2].needed == 8);
  CHECK(capacity.unstable);
  CHECK(capacity.bottleneck == 0);
}

TEST_CASE("Capacity: a station at its limit is stable only if nothing is random") {
  Load load = at_rate(2);
  CHECK_FALSE(capacity_of(restaurant(kKitchenSolution), load).unstable);

  load.pattern = Load::Pattern::kPoisson;
  const Capacity random = capacity_of(restaurant(kKitchenSolution), load);
  CHECK(random.unstable);
  CHECK(random.stations[0].needed == 3);
  CHECK(random.stations[1].needed == 7);
  CHECK(random.stations[2].needed == 9);
}

TEST_CASE("Capacity: the bottleneck is the station that the load fills first") {
  Kitchen kitchen = kKitchenSolution;
  kitchen.vat_size = 7;

  CHECK(capacity_of(restaurant(kitchen), at_rate(1)).bottleneck == 2);
}

TEST_CASE("Capacity: an order counts by its weight, and a station nobody needs has no limit") {
  Scenario scenario = restaurant(kKitchen2022);
  scenario.orders = {{.name = "soda", .weight = 3, .needs = {0}},
                     {.name = "burger", .weight = 1, .needs = {1}}};

  const Capacity capacity = capacity_of(scenario, at_rate(1));

  CHECK(capacity.stations[0].rate == doctest::Approx(1 / 0.75));
  CHECK(capacity.stations[1].rate == doctest::Approx(4));
  CHECK(capacity.stations[2].rate == std::numeric_limits<double>::infinity());
  CHECK(capacity.stations[2].needed == 1);
}

TEST_CASE("Capacity: two vats need batches half as large") {
  Scenario scenario = restaurant(kKitchen2022);
  scenario.stations[2].count = 2;

  const StationCapacity vats = capacity_of(scenario, at_rate(2)).stations[2];

  CHECK(vats.rate == doctest::Approx(2.5));
  CHECK(vats.needed == 4);
}

TEST_CASE("Capacity: without a rate nothing is unstable") {
  Load at_once;
  at_once.clients = 10;

  CHECK_FALSE(capacity_of(restaurant(kKitchen2022), at_once).unstable);
  CHECK(notes_on(restaurant(kKitchen2022), at_once).empty());
}

TEST_CASE("Capacity: the notes name what cannot keep up") {
  Kitchen kitchen = kKitchenSolution;
  kitchen.vat_size = 5;

  CHECK(notes_on(restaurant(kitchen), at_rate(2)) ==
        std::vector<std::string>{
            "the vat fries 1.25 a second but 2 arrive: the queue grows without bound"});
}

}  // namespace
}  // namespace brigade::apps
