#include "brigade/apps/report.h"

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "brigade/apps/restaurant.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

struct Run {
  explicit Run(std::size_t clients, Target timeout = {.timeout = 5s},
               std::vector<const char*> slos = {})
      : target(timeout) {
    simulation.scenario = restaurant(kKitchen2022);
    simulation.load.clients = clients;
    simulation.load.period = 500ms;
    simulation.arrivals = arrivals_of(simulation.load);
    record = simulate(simulation);
    for (const char* slo : slos) goals.push_back(Goal::parse(slo));
  }
  std::string text(const Look& look = {}) const {
    std::ostringstream out;
    print_text(out, make_report(simulation, record, target, goals), look);
    return out.str();
  }

  Target target;
  Simulation simulation;
  Record record;
  std::vector<Goal> goals;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

TEST_CASE("Report: the table folds past 50 clients and says how many it leaves out") {
  const std::string all = Run(50).text(), folded = Run(1000).text();

  CHECK_FALSE(contains(all, "more\n"));
  CHECK(contains(all, "client_25 "));
  CHECK(contains(folded, "client_20 "));
  CHECK_FALSE(contains(folded, "client_21 "));
  CHECK(contains(folded, "\n... 960 more\n"));
  CHECK_FALSE(contains(folded, "client_980 "));
  CHECK(contains(folded, "client_981 "));
  CHECK(contains(folded, "client_1000 "));
}

TEST_CASE("Report: the stations are told with what they did and what the load needs") {
  const std::string text = Run(10).text();

  CHECK(contains(text, R"(
station  places    used  mean queue  max queue  mean wait s  max wait s  serves/s     load  needs
soda          1  83.3 %       1.875          5         2.25         4.5         1  200.0 %      2
burger        3  83.3 %         1.5          4          1.8         4.5         1  200.0 %      6
fries         5  66.7 %       2.458          7         2.95           5      1.25  160.0 %      8
bottleneck: soda, at most 1 a second; the load needs 2, it has 1
unstable: more come than can be served, so these results depend on the number of clients
)"));
}

TEST_CASE("Report: a service time that is the timeout is noted") {
  CHECK(contains(Run(1, {.timeout = 4s}).text(), "1 service times are exactly the timeout"));
  CHECK_FALSE(contains(Run(1, {.timeout = 5s}).text(), "exactly the timeout"));
}

TEST_CASE("Report: quiet leaves the goals and how many were satisfied") {
  CHECK(Run(10, {.timeout = 5s}, {"p95<4s", "min>=3s"}).text({.quiet = true}) ==
        "goal p95<4s: missed (7.5s)\n"
        "goal min>=3s: met (3.0s)\n"
        "5/10 clients satisfied\n");
}

TEST_CASE("Report: colours are only where they are asked for") {
  const Run run(10, {.timeout = 5s}, {"p95<4s"});

  CHECK_FALSE(contains(run.text(), "\033"));
  CHECK(contains(run.text({.quiet = true, .colour = true}), "goal p95<4s: \033[31mmissed\033[0m"));
}

TEST_CASE("Report: comma-separated values have a line for each client") {
  const Run run(2);
  std::ostringstream out;

  print_csv(out, make_report(run.simulation, run.record, run.target, run.goals));

  CHECK(out.str() ==
        "client,order,arrival_s,soda_s,burger_s,fries_s,service_s,satisfied\n"
        "client_1,order,0.0,1.0,3.0,4.0,4.0,yes\n"
        "client_2,order,0.5,1.5,3.0,3.5,3.5,yes\n");
}

}  // namespace
}  // namespace brigade::apps
