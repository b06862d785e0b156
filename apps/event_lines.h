#pragma once

#include <string>

#include "brigade/apps/restaurant.h"
#include "brigade/apps/simulation.h"

namespace brigade::apps {

enum class Tutorial { k2015, k2022 };

/// The line that the tutorial's program prints for an event of a restaurant(), without its line
/// end; empty if it prints none. Clients are called client_1, ...
std::string event_line(Tutorial tutorial, Mode mode, const Event& event);

/// The same for the stations of any scenario: "client_1 soda: started after 0.5 s".
std::string event_line(const Scenario& scenario, const Event& event);

/// As Python prints a timedelta: "0:00:04", "0:00:04.500000", "1 day, 0:00:00".
std::string timedelta_text(Nanoseconds duration);

}  // namespace brigade::apps
