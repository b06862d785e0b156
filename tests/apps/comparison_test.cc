#include "brigade/apps/comparison.h"

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "brigade/apps/restaurant.h"
#include "doctest/doctest.h"
#include "nlohmann/json.hpp"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

struct Runs {
  Runs(const Kitchen& a, const Kitchen& b) {
    for (Simulation* simulation : {&first, &second}) {
      simulation->load.clients = 10;
      simulation->load.period = 500ms;
      simulation->arrivals = arrivals_of(simulation->load);
    }
    first.scenario = restaurant(a);
    second.scenario = restaurant(b);
    first_record = simulate(first);
    second_record = simulate(second);
  }
  Report before() const { return make_report(first, first_record, target, goals); }
  Report after() const { return make_report(second, second_record, target, goals); }

  Simulation first, second;
  Record first_record, second_record;
  Target target{.timeout = 5s};
  std::vector<Goal> goals{Goal::parse("p95<5s")};
};

TEST_CASE("Comparison: the same clients are compared one by one") {
  const Runs runs(kKitchen2022, kKitchenSolution);
  const Report before = runs.before(), after = runs.after();

  const Comparison comparison = compare(before, after);

  CHECK(comparison.sooner == 7);
  CHECK(comparison.later == 0);
  CHECK(comparison.equal == 3);
  const Comparison back = compare(after, before);
  CHECK(back.sooner == 0);
  CHECK(back.later == 7);
}

TEST_CASE("Comparison: two runs stand side by side, with the difference") {
  const Runs runs(kKitchen2022, kKitchenSolution);
  const Report before = runs.before(), after = runs.after();
  std::ostringstream out;

  print_text(out, compare(before, after));

  const std::string text = out.str();
  CHECK(text.find("satisfied                  5/10      10/10\n") != text.npos);
  CHECK(text.find("max s                       7.5        4.0    -3.5\n") != text.npos);
  CHECK(text.find("burger: places                3          6\n") != text.npos);
  CHECK(text.find("p95<5s             missed, 7.5s  met, 4.0s\n") != text.npos);
  CHECK(text.find("with B 7 clients are served sooner, 0 later, 3 in the same time\n") !=
        text.npos);
}

TEST_CASE("Comparison: as JSON it holds both documents") {
  const Runs runs(kKitchen2022, kKitchen2022);
  const Report before = runs.before(), after = runs.after();
  std::ostringstream out;

  print_json(out, compare(before, after));

  const auto document = nlohmann::json::parse(out.str());
  CHECK(document.at("equal") == 10);
  CHECK(document.at("a") == document.at("b"));
  CHECK(document.at("a").at("satisfied") == 5);
}

}  // namespace
}  // namespace brigade::apps
