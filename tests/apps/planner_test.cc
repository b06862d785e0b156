#include "brigade/apps/planner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "brigade/apps/restaurant.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

using Places = std::vector<std::size_t>;

/// How to serve two clients a second within 5 s, with the costs of 2022.
Question two_a_second(std::size_t clients, std::vector<Axis> axes) {
  Question question;
  question.simulation.scenario = restaurant(kKitchen2022);
  question.simulation.load.clients = clients;
  question.simulation.load.rate = 2;
  question.simulation.arrivals = arrivals_of(question.simulation.load);
  question.target.timeout = 5s;
  question.goals = {Goal::parse("all<5s")};
  question.axes = std::move(axes);
  return question;
}

const std::vector<Axis> kAroundTheAnswer{{"soda", 1, 3}, {"cook", 3, 7}, {"vat", 5, 9}};

Plan plan_of(const Question& question, std::size_t threads = 2) {
  const std::atomic<bool> stop = false;
  return make_plan(question, threads, stop);
}

TEST_CASE("Planner: for two clients a second, the tutorial's answer is the cheapest that lasts") {
  const std::vector<Axis> close{{"soda", 1, 2}, {"cook", 5, 6}, {"vat", 7, 8}};
  for (const auto& [clients, axes] : {std::pair{100U, kAroundTheAnswer}, {1000U, close}}) {
    const Plan plan = plan_of(two_a_second(clients, axes));

    CHECK(plan.complete);
    CHECK(plan.outcomes.size() == plan.configurations);
    REQUIRE(plan.cheapest);
    CHECK(plan.cheapest->places == Places{2, 6, 8});
    CHECK(plan.cheapest->cost == doctest::Approx(1 + 3 * 0.333 + 3 * 0.2));
    CHECK(plan.cheapest->max == 4s);
    CHECK(plan.today.places == Places{1, 3, 5});
    CHECK_FALSE(plan.today.met);
    CHECK(plan.today.satisfied == 5);
  }
}

TEST_CASE("Planner: for ten clients less will do") {
  const Plan plan = plan_of(two_a_second(10, kAroundTheAnswer));

  REQUIRE(plan.cheapest);
  CHECK(plan.cheapest->places == Places{2, 5, 7});
}

TEST_CASE("Planner: no configuration that meets the goals is cheaper than the cheapest") {
  const Plan plan = plan_of(two_a_second(10, kAroundTheAnswer));

  for (const Outcome& outcome : plan.outcomes) {
    CHECK((!outcome.met || outcome.cost >= plan.cheapest->cost));
    const bool dominated =
        std::any_of(plan.outcomes.begin(), plan.outcomes.end(), [&](const Outcome& other) {
          return other.cost <= outcome.cost && other.value <= outcome.value &&
                 (other.cost < outcome.cost || other.value < outcome.value);
        });
    const bool in_front =
        std::any_of(plan.pareto.begin(), plan.pareto.end(), [&](const Outcome& other) {
          return other.cost == outcome.cost && other.value == outcome.value;
        });
    CHECK(in_front == !dominated);
  }
}

TEST_CASE("Planner: one more of each says what it changes, also outside of what was asked for") {
  const Plan plan = plan_of(two_a_second(10, {{"soda", 1, 2}, {"cook", 5, 6}, {"vat", 7, 7}}));

  REQUIRE(plan.one_more_today.size() == 3);
  CHECK(plan.one_more_today[1].places == Places{1, 4, 5});
  CHECK(plan.one_more_today[1].cost == doctest::Approx(0.333));
  CHECK(plan.one_more_today[1].max == 5500ms);
  REQUIRE(plan.one_more_cheapest.size() == 3);
  CHECK(plan.one_more_cheapest[2].places == Places{2, 5, 8});
  CHECK(plan.one_more_cheapest[2].max == 4s);
}

TEST_CASE("Planner: what is taken away saves nothing, so the cheapest keeps what there is") {
  Question question = two_a_second(10, {{"cook", 1, 3}, {"vat", 3, 5}});
  question.goals = {Goal::parse("all<1h")};

  const Plan plan = plan_of(question);

  for (const Outcome& outcome : plan.outcomes) CHECK(outcome.cost == 0);
  REQUIRE(plan.cheapest);
  CHECK(plan.cheapest->places == Places{3, 5});
}

TEST_CASE("Planner: a closed loop has no rate either, but a plan") {
  Question question = two_a_second(10, {{"cook", 2, 4}});
  question.simulation.load.pattern = Load::Pattern::kClosed;
  question.simulation.load.users = 3;
  question.simulation.load.clients = 30;
  question.simulation.arrivals.clear();

  const Plan plan = plan_of(question);

  CHECK(plan.today.clients == 30);
  CHECK_FALSE(plan.today.knee.has_value());
}

TEST_CASE("Planner: the knee is the load up to which the goals are met") {
  const Question question = two_a_second(100, {{"vat", 5, 5}});
  const auto slowest_at = [&question](double rate) {
    Simulation simulation = question.simulation;
    for (Nanoseconds& arrival : simulation.arrivals)
      arrival = to_nanoseconds(std::chrono::duration<double, std::nano>(arrival) * 2 / rate);
    return statistics_of(simulation, simulate(simulation), question.target).max;
  };

  const Outcome today = plan_of(question).today;

  REQUIRE(today.knee);
  CHECK(*today.knee == doctest::Approx(1.02));  // Of 100, the last may just wait for long enough.
  CHECK(slowest_at(*today.knee) < 5s);
  CHECK(slowest_at(*today.knee + 0.01) >= 5s);
}

TEST_CASE("Planner: who come all at once have no rate, and so no knee") {
  Question question = two_a_second(10, {{"cook", 3, 4}});
  question.simulation.load.rate = 0;
  question.simulation.arrivals.assign(10, 0s);

  const Plan plan = plan_of(question);

  CHECK(plan.today.max == 12s);
  CHECK_FALSE(plan.today.knee.has_value());
}

TEST_CASE("Planner: a larger vat may serve fewer in time, so every size is tried") {
  Question question = two_a_second(40, {{"vat", 1, 14}});
  question.simulation.scenario = restaurant({.soda_machines = 9, .cooks = 20});
  question.simulation.load.seed = 2;
  question.simulation.load.pattern = Load::Pattern::kPoisson;
  question.simulation.arrivals = arrivals_of(question.simulation.load);

  const Plan plan = plan_of(question);

  CHECK(plan.outcomes[9].satisfied == 40);   // 10 portions
  CHECK(plan.outcomes[11].satisfied == 37);  // 12 portions
  CHECK(plan.outcomes[13].satisfied == 40);
}

TEST_CASE("Planner: the number of threads changes nothing") {
  const Question question = two_a_second(100, {{"soda", 1, 3}, {"vat", 5, 9}});

  const Plan one = plan_of(question, 1), four = plan_of(question, 4);

  REQUIRE(one.outcomes.size() == four.outcomes.size());
  for (std::size_t i = 0; i < one.outcomes.size(); ++i) {
    CHECK(one.outcomes[i].places == four.outcomes[i].places);
    CHECK(one.outcomes[i].mean == four.outcomes[i].mean);
    CHECK(one.outcomes[i].knee == four.outcomes[i].knee);
  }
}

TEST_CASE("Planner: stopped, it returns what it has tried") {
  std::atomic<bool> stop = false;
  const Question question = two_a_second(100, kAroundTheAnswer);

  const Plan plan = make_plan(question, 1, stop, [&stop](std::size_t done, std::size_t all) {
    CHECK(all == 150);
    if (done == 7) stop = true;
  });

  CHECK_FALSE(plan.complete);
  CHECK(plan.configurations == 75);
  CHECK(plan.outcomes.size() == 7);
  CHECK(plan.outcomes[6].clients == 100);
}

TEST_CASE("Planner: too many configurations are refused") {
  CHECK_THROWS_AS(plan_of(two_a_second(1, {{"soda", 1, 1001}, {"cook", 1, 1000}})),
                  std::invalid_argument);
}

}  // namespace
}  // namespace brigade::apps
