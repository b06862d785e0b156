#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/runtime/clock.h"

namespace brigade::apps {

/// How clients come. Open: each at its instant, however long the others still wait. Closed: `users`
/// that come, are served, think, and come again, so that a slow service is asked less often.
struct Load {
  enum class Pattern { kUniform, kPoisson, kBurst, kRamp, kList, kClosed };

  Pattern pattern = Pattern::kUniform;
  std::size_t clients = 0;  // or 0: as many as come within `duration`
  Nanoseconds duration{};   // or 0
  double rate = 0;          // clients a second; of a ramp, its first
  double last_rate = 0;     // of a ramp
  Nanoseconds period{};     // instead of a rate, to the nanosecond
  std::size_t burst = 1;    // clients that come together
  std::vector<Nanoseconds> list = {};
  std::size_t users = 0;  // of a closed loop
  Nanoseconds think{};
  std::uint64_t seed = 1;

  bool random() const noexcept { return pattern == Pattern::kPoisson; }
};

/// The instants at which the clients of an open load arrive, from the start, ascending.
///
/// Errors: std::invalid_argument for more than kMaxClients, or none at all.
std::vector<Nanoseconds> arrivals_of(const Load& load);

inline constexpr std::size_t kMaxClients = 10'000'000;

/// Clients a second that the load offers, of a ramp the most, of a list the mean; nothing for a
/// closed loop, or clients that come all at once.
std::optional<double> offered_rate(const Load& load);

/// "2/s", "90/m", "1000/h", "2": clients a second.
double parse_rate(std::string_view text);

/// Sets what --arrivals says: uniform, poisson, burst:K, ramp:A..B, instants A,B,... in any order,
/// or @FILE, whose lines start with one each (a first line that does not is a heading).
///
/// Errors: std::invalid_argument, naming the text and what is accepted.
void parse_arrivals(std::string_view text, Load& load);

}  // namespace brigade::apps
