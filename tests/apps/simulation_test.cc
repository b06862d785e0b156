#include "brigade/apps/simulation.h"

#include <chrono>
#include <string>
#include <vector>

#include "brigade/apps/scenario.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

Simulation of(const char* scenario, std::vector<Nanoseconds> arrivals) {
  Simulation simulation;
  simulation.scenario = parse_scenario(scenario, "scenario");
  simulation.arrivals = std::move(arrivals);
  return simulation;
}

std::vector<Nanoseconds> services(const Record& record) {
  std::vector<Nanoseconds> times;
  for (const Client& client : record.clients) times.push_back(client.service);
  return times;
}

using Times = std::vector<Nanoseconds>;

constexpr const char* kInTurn = R"({
  "stations": [{"name": "a", "kind": "lock", "time": 1},
               {"name": "b", "kind": "semaphore", "count": 2, "time": 3}],
  "orders": [{"name": "o", "sequence": ["a", "b"]}]})";

TEST_CASE("Simulation: an order in sequence goes from station to station") {
  const Record record = simulate(of(kInTurn, {0s, 0s, 0s}));

  // The third leaves a at 3 s and waits for one of the two b, until 4 s.
  CHECK(services(record) == Times{4s, 5s, 7s});
  CHECK(record.steps[5].asked == 3s);
  CHECK(record.steps[5].started == 4s);
  CHECK(record.steps[5].ready == 7s);
  CHECK(record.elapsed == 7s);
}

TEST_CASE("Simulation: an order may need some of the stations only, and orders have weights") {
  Simulation simulation = of(R"({
    "stations": [{"name": "a", "kind": "semaphore", "count": 1000, "time": 1},
                 {"name": "b", "kind": "semaphore", "count": 1000, "time": 2}],
    "orders": [{"name": "never", "weight": 0, "parallel": ["a", "b"]},
               {"name": "most", "weight": 3, "parallel": ["a"]},
               {"name": "few", "weight": 1, "parallel": ["b"]}]})",
                             Times(1000));

  const Record record = simulate(simulation);

  int few = 0;
  for (const Client& client : record.clients) {
    CHECK(client.order != 0);
    CHECK(client.service == (client.order == 1 ? 1s : 2s));
    few += client.order == 2 ? 1 : 0;
  }
  CHECK(few > 200);
  CHECK(few < 300);
  CHECK(record.steps.size() == 1000);
}

TEST_CASE("Simulation: two vats cook two batches at a time") {
  const char* const text = R"({"stations": [
    {"name": "vat", "kind": "batch", "count": 2, "batch": 3, "time": 4}]})";

  const Record record = simulate(of(text, Times(8)));

  // Two find the vats empty, four take what is left, and the last two cook again.
  CHECK(services(record) == Times{4s, 4s, 4s, 4s, 4s, 4s, 8s, 8s});
  REQUIRE(record.batches.size() == 4);
  CHECK(record.batches[0].vat == 0);
  CHECK(record.batches[1].vat == 1);
  CHECK(record.batches[3].started == 4s);
  CHECK(record.batches[3].ready == 8s);
}

TEST_CASE("Simulation: who waits for a place never takes it from who came before") {
  const char* const text = R"({"stations": [{"name": "a", "kind": "lock", "time": 2}]})";

  CHECK(services(simulate(of(text, {0s, 1s, 2s, 2s}))) == Times{2s, 3s, 4s, 6s});
}

constexpr const char* kRandom = R"({"stations": [
  {"name": "a", "kind": "semaphore", "count": 2, "time": {"exponential": 1}},
  {"name": "b", "kind": "batch", "batch": 4, "time": {"uniform": [1, 2]}}]})";

TEST_CASE("Simulation: random times depend on the seed alone") {
  Simulation simulation = of(kRandom, Times(50));

  const Times first = services(simulate(simulation));
  CHECK(services(simulate(simulation)) == first);
  simulation.load.seed = 2;
  CHECK(services(simulate(simulation)) != first);
}

TEST_CASE("Simulation: a client needs as long in every configuration") {
  Simulation few = of(kRandom, Times(50)), many = few;
  many.scenario.stations[0].count = 50;

  const Record queued = simulate(few), alone = simulate(many);

  for (std::size_t i = 0; i < queued.steps.size(); i += 2)
    CHECK(queued.steps[i].ready - queued.steps[i].started ==
          alone.steps[i].ready - alone.steps[i].started);
}

TEST_CASE("Simulation: the users of a closed loop come back when they were served") {
  Simulation simulation = of(R"({"stations": [{"name": "a", "kind": "lock", "time": 2}]})", {});
  simulation.load.pattern = Load::Pattern::kClosed;
  simulation.load.users = 2;
  simulation.load.think = 1s;
  simulation.load.clients = 5;

  const Record record = simulate(simulation);

  Times arrivals;
  for (const Client& client : record.clients) arrivals.push_back(client.arrival);
  CHECK(arrivals == Times{0s, 0s, 3s, 5s, 7s});
  CHECK(services(record) == Times{2s, 4s, 3s, 3s, 3s});

  simulation.load.clients = 0;
  simulation.load.duration = 6s;
  CHECK(simulate(simulation).clients.size() == 4);
}

TEST_CASE("Simulation: an open load goes on coming while a closed one waits with the service") {
  const char* const text = R"({"stations": [{"name": "a", "kind": "lock", "time": 10}]})";
  Simulation closed = of(text, {});
  closed.load.pattern = Load::Pattern::kClosed;
  closed.load.users = 1;
  closed.load.clients = 5;

  CHECK(services(simulate(closed)) == Times(5, 10s));
  CHECK(services(simulate(of(text, {0s, 1s, 2s, 3s, 4s}))) == Times{10s, 19s, 28s, 37s, 46s});
}

TEST_CASE("Simulation: the observer is told of each event as it happens") {
  Simulation simulation = of(kInTurn, {0s});
  std::vector<Moment> moments;
  simulation.observer = [&moments](const Event& event) { moments.push_back(event.moment); };

  simulate(simulation);

  using enum Moment;
  CHECK(moments ==
        std::vector<Moment>{kOrdered, kAsked, kStarted, kReady, kAsked, kStarted, kReady, kServed});
}

TEST_CASE("Simulation: what an observer throws ends it") {
  Simulation simulation = of(kInTurn, {0s, 1s});
  simulation.observer = [](const Event&) { throw std::runtime_error("enough"); };

  CHECK_THROWS_WITH_AS(simulate(simulation), "enough", std::runtime_error);
}

}  // namespace
}  // namespace brigade::apps
