#pragma once

#include <cstddef>
#include <string>

#include "brigade/apps/restaurant.h"

namespace brigade::apps {

enum class Tutorial { k2015, k2022 };

/// The line that the tutorial's program prints for an event, without its line end; empty if it
/// prints none. Clients are called client_1, ...
std::string event_line(Tutorial tutorial, Mode mode, KitchenEvent event, std::size_t client,
                       Nanoseconds since_arrival);

/// As Python prints a timedelta: "0:00:04", "0:00:04.500000", "1 day, 0:00:00".
std::string timedelta_text(Nanoseconds duration);

}  // namespace brigade::apps
