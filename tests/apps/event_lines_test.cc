#include "brigade/apps/event_lines.h"

#include <chrono>
#include <string>
#include <vector>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

std::string traced(Tutorial tutorial, Mode mode, std::size_t clients) {
  std::string text = "\n";
  Simulation simulation;
  simulation.scenario = restaurant(tutorial == Tutorial::k2015 ? kKitchen2015 : kKitchen2022, mode);
  simulation.mode = mode;
  simulation.arrivals.resize(clients);
  simulation.observer = [&](const Event& event) {
    const std::string line = event_line(tutorial, mode, event);
    if (!line.empty()) text += line + "\n";
  };
  simulate(simulation);
  return text;
}

TEST_CASE("Event lines: two orders of 2022 print the tutorial's lines in its order") {
  CHECK(traced(Tutorial::k2022, Mode::kConstrained, 2) == R"(
=> Commande passée par client_1
=> Commande passée par client_2
    > Remplissage du soda pour client_1
    > Récupération des frites pour client_1
   ** Démarrage de la cuisson des frites
    > Commande du burger en cuisine pour client_1
    > Commande du burger en cuisine pour client_2
    < Le soda de client_1 est prêt
    > Remplissage du soda pour client_2
    < Le soda de client_2 est prêt
    < Le burger de client_1 est prêt
    < Le burger de client_2 est prêt
   ** Les frites sont cuites
    < Les frites de client_1 sont prêtes
    > Récupération des frites pour client_2
    < Les frites de client_2 sont prêtes
<= client_1 servi en 0:00:04
<= client_2 servi en 0:00:04
)");
}

TEST_CASE("Event lines: an order of 2022 without constraints starts its own fries") {
  CHECK(traced(Tutorial::k2022, Mode::kUnconstrained, 1) == R"(
=> Commande passée par client_1
    > Remplissage du soda pour client_1
    > Démarrage de la cuisson des frites pour client_1
    > Commande du burger en cuisine pour client_1
    < Le soda de client_1 est prêt
    < Le burger de client_1 est prêt
    < Les frites de client_1 sont prêtes
<= client_1 servi en 0:00:04
)");
}

TEST_CASE("Event lines: the synchronous order of 2015 prints the tutorial's lines") {
  CHECK(traced(Tutorial::k2015, Mode::kSequential, 1) == R"(
Préparation de la commande de 'client_1'
> Commande du burger pour 'client_1' en cuisine
< Le burger de 'client_1' est prêt
> Mettre des frites à cuire pour client_1
< Les frites de 'client_1' sont prêtes
> Remplissage du gobelet de soda pour client_1
< Le soda de 'client_1' est prêt
Commande de 'client_1' prête en 0:00:14
)");
}

TEST_CASE("Event lines: the asynchronous order of 2015 prints the tutorial's lines") {
  CHECK(traced(Tutorial::k2015, Mode::kUnconstrained, 1) == R"(
Préparation de la commande de client_1
> Commande du burger pour client_1 en cuisine
> Mettre des frites à cuire pour client_1
> Remplissage du gobelet de soda pour client_1
< Le soda de client_1 est prêt
< Le burger de client_1 est prêt
< Les frites de client_1 sont prêtes
Commande de client_1 prête en 0:00:08
)");
}

TEST_CASE("Event lines: two orders of 2015 share the fries") {
  CHECK(traced(Tutorial::k2015, Mode::kConstrained, 2) == R"(
Préparation de la commande de client_1
Préparation de la commande de client_2
> Commande du burger pour client_1 en cuisine
* Le burger de client_1 est en préparation
> Récupération d'une portion de frites pour client_1
* Mettre des frites à cuire
> Remplissage du gobelet de soda pour client_1
> Commande du burger pour client_2 en cuisine
* Le burger de client_2 est en préparation
< Le soda de client_1 est prêt
> Remplissage du gobelet de soda pour client_2
< Le burger de client_1 est prêt
< Le burger de client_2 est prêt
< Le soda de client_2 est prêt
* Les frites sont prêtes
< Les frites de client_1 sont prêtes
> Récupération d'une portion de frites pour client_2
< Les frites de client_2 sont prêtes
Commande de client_1 prête en 0:00:08
Commande de client_2 prête en 0:00:08
)");
}

TEST_CASE("Event lines: a scenario's stations are called by their names") {
  const Scenario scenario = restaurant(kKitchen2022);

  CHECK(event_line(scenario, {Moment::kStarted, 2, 1, 500ms}) ==
        "client_3 burger: started after 0.5 s");
  CHECK(event_line(scenario, {Moment::kServed, 0, 0, 4s}) == "client_1: served after 4.0 s");
}

TEST_CASE("Event lines: durations print as Python's timedelta does") {
  CHECK(timedelta_text(0s) == "0:00:00");
  CHECK(timedelta_text(4500ms) == "0:00:04.500000");
  CHECK(timedelta_text(4002609us) == "0:00:04.002609");
  CHECK(timedelta_text(4s + 999ns) == "0:00:04");
  CHECK(timedelta_text(6min + 30s) == "0:06:30");
  CHECK(timedelta_text(23h + 59min + 59s) == "23:59:59");
  CHECK(timedelta_text(24h) == "1 day, 0:00:00");
  CHECK(timedelta_text(49h + 1us) == "2 days, 1:00:00.000001");
}

}  // namespace
}  // namespace brigade::apps
