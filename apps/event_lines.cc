#include "brigade/apps/event_lines.h"

#include <chrono>
#include <cstdio>
#include <string_view>

namespace brigade::apps {
namespace {

// {} stands for the client, {t} for the time it took.

std::string_view pattern_2022(Mode mode, KitchenEvent event) {
  const bool vat = mode == Mode::kConstrained;
  switch (event) {
    case KitchenEvent::kOrdered:
      return "=> Commande passée par {}";
    case KitchenEvent::kSodaStarted:
      return "    > Remplissage du soda pour {}";
    case KitchenEvent::kSodaReady:
      return "    < Le soda de {} est prêt";
    case KitchenEvent::kBurgerAsked:
      return "    > Commande du burger en cuisine pour {}";
    case KitchenEvent::kBurgerStarted:
      return "";
    case KitchenEvent::kBurgerReady:
      return "    < Le burger de {} est prêt";
    case KitchenEvent::kFriesStarted:
      return vat ? "    > Récupération des frites pour {}"
                 : "    > Démarrage de la cuisson des frites pour {}";
    case KitchenEvent::kFriesReady:
      return "    < Les frites de {} sont prêtes";
    case KitchenEvent::kBatchStarted:
      return "   ** Démarrage de la cuisson des frites";
    case KitchenEvent::kBatchReady:
      return "   ** Les frites sont cuites";
    case KitchenEvent::kServed:
      return "<= {} servi en {t}";
  }
  return "";
}

std::string_view pattern_2015(Mode mode, KitchenEvent event) {
  const bool vat = mode == Mode::kConstrained;
  const bool quoted = mode == Mode::kSequential;  // The synchronous program quotes most names.
  switch (event) {
    case KitchenEvent::kOrdered:
      return quoted ? "Préparation de la commande de '{}'" : "Préparation de la commande de {}";
    case KitchenEvent::kSodaStarted:
      return "> Remplissage du gobelet de soda pour {}";
    case KitchenEvent::kSodaReady:
      return quoted ? "< Le soda de '{}' est prêt" : "< Le soda de {} est prêt";
    case KitchenEvent::kBurgerAsked:
      return quoted ? "> Commande du burger pour '{}' en cuisine"
                    : "> Commande du burger pour {} en cuisine";
    case KitchenEvent::kBurgerStarted:
      return "* Le burger de {} est en préparation";
    case KitchenEvent::kBurgerReady:
      return quoted ? "< Le burger de '{}' est prêt" : "< Le burger de {} est prêt";
    case KitchenEvent::kFriesStarted:
      return vat ? "> Récupération d'une portion de frites pour {}"
                 : "> Mettre des frites à cuire pour {}";
    case KitchenEvent::kFriesReady:
      return quoted ? "< Les frites de '{}' sont prêtes" : "< Les frites de {} sont prêtes";
    case KitchenEvent::kBatchStarted:
      return "* Mettre des frites à cuire";
    case KitchenEvent::kBatchReady:
      return "* Les frites sont prêtes";
    case KitchenEvent::kServed:
      return quoted ? "Commande de '{}' prête en {t}" : "Commande de {} prête en {t}";
  }
  return "";
}

}  // namespace

std::string event_line(Tutorial tutorial, Mode mode, KitchenEvent event, std::size_t client,
                       Nanoseconds since_arrival) {
  const auto pattern = tutorial == Tutorial::k2015 ? pattern_2015 : pattern_2022;
  std::string line(pattern(mode, event));
  const auto fill = [&line](std::string_view mark, const std::string& text) {
    const std::size_t at = line.find(mark);
    if (at != line.npos) line.replace(at, mark.size(), text);
  };
  fill("{}", "client_" + std::to_string(client + 1));
  fill("{t}", timedelta_text(since_arrival));
  return line;
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
