#pragma once

#include <string>
#include <string_view>

#include "brigade/runtime/clock.h"

namespace brigade::apps {

/// A duration as a command line says it: "1", "0.5", "500ms", "2s", "3us", "1m"; seconds if no unit
/// is named. Exact: what is no whole number of nanoseconds is refused, never rounded.
///
/// Errors: std::invalid_argument, naming the text and what is accepted.
Nanoseconds parse_duration(std::string_view text);

/// Seconds with as many decimals as it takes, at least one: "4.0", "0.000000001".
std::string seconds_text(Nanoseconds duration);

}  // namespace brigade::apps
