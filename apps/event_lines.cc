#include "brigade/apps/event_lines.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "brigade/apps/duration.h"

namespace brigade::apps {
namespace {

// {} stands for the client, {t} for the time it took.

using Patterns = std::array<std::string_view, 3>;  // for the three dishes

std::string_view pattern_2022(Mode mode, Moment moment, std::size_t dish) {
  const bool vat = mode == Mode::kConstrained;
  switch (moment) {
    case Moment::kOrdered:
      return "=> Commande passée par {}";
    case Moment::kAsked:
      return Patterns{"", "    > Commande du burger en cuisine pour {}", ""}[dish];
    case Moment::kStarted:
      return Patterns{"    > Remplissage du soda pour {}", "",
                      vat ? "    > Récupération des frites pour {}"
                          : "    > Démarrage de la cuisson des frites pour {}"}[dish];
    case Moment::kReady:
      return Patterns{"    < Le soda de {} est prêt", "    < Le burger de {} est prêt",
                      "    < Les frites de {} sont prêtes"}[dish];
    case Moment::kBatchStarted:
      return "   ** Démarrage de la cuisson des frites";
    case Moment::kBatchReady:
      return "   ** Les frites sont cuites";
    case Moment::kServed:
      return "<= {} servi en {t}";
  }
  return "";
}

std::string_view pattern_2015(Mode mode, Moment moment, std::size_t dish) {
  const bool vat = mode == Mode::kConstrained;
  const bool quoted = mode == Mode::kSequential;  // The synchronous program quotes most names.
  switch (moment) {
    case Moment::kOrdered:
      return quoted ? "Préparation de la commande de '{}'" : "Préparation de la commande de {}";
    case Moment::kAsked:
      return Patterns{"",
                      quoted ? "> Commande du burger pour '{}' en cuisine"
                             : "> Commande du burger pour {} en cuisine",
                      ""}[dish];
    case Moment::kStarted:
      return Patterns{"> Remplissage du gobelet de soda pour {}",
                      vat ? "* Le burger de {} est en préparation" : "",
                      vat ? "> Récupération d'une portion de frites pour {}"
                          : "> Mettre des frites à cuire pour {}"}[dish];
    case Moment::kReady:
      return quoted ? Patterns{"< Le soda de '{}' est prêt", "< Le burger de '{}' est prêt",
                               "< Les frites de '{}' sont prêtes"}[dish]
                    : Patterns{"< Le soda de {} est prêt", "< Le burger de {} est prêt",
                               "< Les frites de {} sont prêtes"}[dish];
    case Moment::kBatchStarted:
      return "* Mettre des frites à cuire";
    case Moment::kBatchReady:
      return "* Les frites sont prêtes";
    case Moment::kServed:
      return quoted ? "Commande de '{}' prête en {t}" : "Commande de {} prête en {t}";
  }
  return "";
}

std::string client_name(const Event& event) { return "client_" + std::to_string(event.client + 1); }

}  // namespace

std::string event_line(Tutorial tutorial, Mode mode, const Event& event) {
  const auto pattern = tutorial == Tutorial::k2015 ? pattern_2015 : pattern_2022;
  std::string line(pattern(mode, event.moment, event.station));
  const auto fill = [&line](std::string_view mark, const std::string& text) {
    const std::size_t at = line.find(mark);
    if (at != line.npos) line.replace(at, mark.size(), text);
  };
  fill("{}", client_name(event));
  fill("{t}", timedelta_text(event.since_arrival));
  return line;
}

std::string event_line(const Scenario& scenario, const Event& event) {
  constexpr std::array<const char*, 7> kWords{"ordered",     "asked", "started", "batch started",
                                              "batch ready", "ready", "served"};
  const bool whole = event.moment == Moment::kOrdered || event.moment == Moment::kServed;
  return client_name(event) + (whole ? "" : " " + scenario.stations[event.station].name) + ": " +
         kWords[static_cast<std::size_t>(event.moment)] + " after " +
         seconds_text(event.since_arrival) + " s";
}

std::string timedelta_text(Nanoseconds duration) {
  using namespace std::chrono;
  const hh_mm_ss time(floor<microseconds>(duration % days(1)));
  const auto n_days = floor<days>(duration).count();
  char text[64];
  int length = 0;
  if (n_days > 0)
    length = std::snprintf(text, sizeof text, "%lld day%s, ", 1LL * n_days, n_days > 1 ? "s" : "");
  const auto add = [&](const char* format, auto... values) {
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), format,
                            static_cast<long long>(values)...);
  };
  add("%lld:%02lld:%02lld", time.hours().count(), time.minutes().count(), time.seconds().count());
  if (time.subseconds().count() > 0) add(".%06lld", time.subseconds().count());
  return text;
}

}  // namespace brigade::apps
