#include "brigade/apps/scenario.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

constexpr const char* kShop = R"({
  "name": "shop",
  "stations": [
    {"name": "web", "kind": "semaphore", "count": 8, "time": "20ms", "cost": 2},
    {"name": "db", "kind": "lock", "time": {"exponential": 0.005}},
    {"name": "ids", "kind": "batch", "batch": 100, "time": {"uniform": ["1ms", "3ms"]},
     "unit": "id"}
  ],
  "orders": [
    {"name": "read", "weight": 9, "parallel": ["web", "db"]},
    {"name": "write", "sequence": ["web", "ids", "db"]}
  ]
})";

TEST_CASE("Scenario: a file says what stations there are, and what orders need of them") {
  const Scenario scenario = parse_scenario(kShop, "shop.json");

  CHECK(scenario.name == "shop");
  REQUIRE(scenario.stations.size() == 3);
  CHECK(scenario.stations[0].kind == Station::Kind::kSemaphore);
  CHECK(scenario.stations[0].count == 8);
  CHECK(scenario.stations[0].time.mean() == 20ms);
  CHECK(scenario.stations[0].cost == 2);
  CHECK(scenario.stations[1].kind == Station::Kind::kLock);
  CHECK(scenario.stations[1].time.mean() == 5ms);
  CHECK(scenario.stations[1].time.random());
  CHECK(scenario.stations[2].batch == 100);
  CHECK(scenario.stations[2].unit == "id");
  REQUIRE(scenario.orders.size() == 2);
  CHECK(scenario.orders[0].weight == 9);
  CHECK_FALSE(scenario.orders[0].sequence);
  CHECK(scenario.orders[1].sequence);
  CHECK(scenario.orders[1].needs == std::vector<std::size_t>{0, 2, 1});
}

TEST_CASE("Scenario: without orders there is one that needs all stations") {
  const Scenario scenario = parse_scenario(
      R"({"stations": [{"name": "a", "kind": "lock", "time": 1}, {"name": "b", "kind": "lock", "time": 2}]})",
      "x.json");

  REQUIRE(scenario.orders.size() == 1);
  CHECK(scenario.orders[0].needs == std::vector<std::size_t>{0, 1});
  CHECK(scenario.name == "x.json");
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != text.npos);
  return text.replace(at, what.size(), by);
}

TEST_CASE("Scenario: a mistake is named by line and field, with what is accepted") {
  struct Case {
    const char* what;
    const char* by;
    const char* error;
  };
  const std::vector<Case> cases{
      {"\"count\": 8", "\"count\": 0", "s:4: stations[0].count: accepted is a whole number from 1"},
      {"\"count\": 8", "\"count\": 1.5", "s:4: stations[0].count: accepted is a whole number"},
      {"\"count\": 8", "\"count\": -1", "s:4: stations[0].count: accepted is a whole number"},
      {", \"count\": 8", "", "s:4: stations[0]: needs \"count\""},
      {"\"20ms\"", "\"20 ms\"", "s:4: stations[0].time: '20 ms' is no duration"},
      {"\"20ms\"", "null", "s:4: stations[0].time: accepted is a duration"},
      {"\"cost\": 2", "\"cost\": -2", "s:4: stations[0].cost: accepted is a number from 0"},
      {"\"cost\"", "\"price\"", "s:4: stations[0].price: is unknown; accepted are batch, cost"},
      {"\"lock\"", "\"mutex\"", "s:5: stations[1].kind: 'mutex'; accepted is lock, semaphore"},
      {"\"lock\"", "\"lock\", \"count\": 2", "s:5: stations[1].count: a lock has none"},
      {"\"lock\"", "\"lock\", \"batch\": 2", "s:5: stations[1].batch: only a batch station"},
      {"\"db\", \"kind\"", "\"web\", \"kind\"", "s:5: stations[1].name: 'web' is taken"},
      {"\"db\", \"kind\"", "\"a b\", \"kind\"",
       "s:5: stations[1].name: 'a b'; accepted are letters"},
      {"\"db\", \"kind\"", "\"service\", \"kind\"", "s:5: stations[1].name: 'service'; accepted"},
      {"exponential", "poisson", "s:5: stations[1].time.poisson: is unknown; accepted are exp"},
      {"[\"1ms\", \"3ms\"]", "[\"3ms\", \"1ms\"]",
       "s:6: stations[2].time.uniform: accepted is the lesser duration first"},
      {"[\"1ms\", \"3ms\"]", "[\"3ms\"]", "s:6: stations[2].time.uniform: accepted are two"},
      {"\"3ms\"", "\"3 ms\"", "s:6: stations[2].time.uniform[1]: '3 ms' is no duration"},
      {"\"weight\": 9", "\"weight\": \"9\"", "s:10: orders[0].weight: accepted is a number"},
      {"\"parallel\": [\"web\", \"db\"]", "\"parallel\": [\"web\", \"d\"]",
       "s:10: orders[0].parallel[1]: there is no station 'd'"},
      {"\"parallel\": [\"web\", \"db\"]", "\"parallel\": []",
       "s:10: orders[0].parallel: accepted is a list of stations"},
      {"\"ids\", \"db\"]", "\"web\"]", "s:11: orders[1].sequence[1]: 'web' is needed twice"},
      {"\"sequence\"", "\"parallel\": [\"db\"], \"sequence\"",
       "s:11: orders[1]: accepted is either \"parallel\" or \"sequence\""},
      {"\"stations\"", "\"station\"", "s:3: station: is unknown; accepted are name, orders"},
      {"\"stations\"", "\"name\": \"x\", \"stations\"", "s:3: name: is given twice"},
      {"\"orders\": [", "\"orders\": [,", "s:9: is no JSON: syntax error"},
  };

  for (const Case& mistake : cases) {
    CAPTURE(mistake.by);
    CHECK_THROWS_WITH_AS(parse_scenario(replaced(kShop, mistake.what, mistake.by), "s"),
                         doctest::Contains(mistake.error), std::invalid_argument);
  }
}

TEST_CASE("Scenario: what is no object, or no file, is refused") {
  for (const char* text :
       {"", "[]", "3", "null", "{}", "{\"stations\": 1}", "{\"stations\": [1]}"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(parse_scenario(text, "s"), doctest::Contains("s:1: "),
                         std::invalid_argument);
  }
  CHECK_THROWS_AS(read_scenario("/no/such/file"), std::invalid_argument);
  CHECK_THROWS_AS(read_scenario("/"), std::invalid_argument);
}

TEST_CASE("Scenario: places are set by a station's name or unit") {
  Scenario scenario = parse_scenario(kShop, "shop.json");

  places_of(scenario, "web") = 3;
  places_of(scenario, "id") = 7;
  places_of(scenario, "ids.count") = 2;

  CHECK(scenario.stations[0].count == 3);
  CHECK(scenario.stations[2].batch == 7);
  CHECK(scenario.stations[2].count == 2);
  CHECK(scenario.stations[2].places() == 14);
  CHECK_THROWS_WITH_AS(places_of(scenario, "cook"),
                       doctest::Contains("'cook'; accepted are web, db, ids (id)"),
                       std::invalid_argument);
  CHECK_THROWS_AS(places_of(scenario, "web.count"), std::invalid_argument);
}

}  // namespace
}  // namespace brigade::apps
