#include "brigade/apps/duration.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace brigade::apps {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array<Unit, 7> kUnits{{{"", kSecond},
                                      {"ns", 1},
                                      {"us", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", kSecond},
                                      {"m", 60 * kSecond},
                                      {"h", 3600 * kSecond}}};

// An hour is 2^13 * 3^2 * 5^11 ns: with more decimals than 13 none of the units is exact.
// What both limits admit fits in 128 bits.
using Wide = unsigned __int128;
constexpr std::size_t kMaxDecimals = 13;
constexpr std::size_t kMaxDigits = 25;

[[noreturn]] void refuse(std::string_view text, const char* why) {
  throw std::invalid_argument("'" + std::string(text) + "' " + why +
                              "; accepted are seconds (0.5) or a unit of ns, us, ms, s, m, h "
                              "(500ms), not negative and whole nanoseconds");
}

std::string_view take_digits(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const std::string_view digits = rest.substr(0, end);
  rest.remove_prefix(end);
  return digits;
}

}  // namespace

Nanoseconds parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::string digits(take_digits(rest));
  std::string_view decimals;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    decimals = take_digits(rest);
  }
  const auto unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == rest; });
  if (unit == kUnits.end() || digits.size() + decimals.size() == 0) refuse(text, "is no duration");

  decimals = decimals.substr(0, decimals.find_last_not_of('0') + 1);
  digits += decimals;
  digits.erase(0, digits.find_first_not_of('0'));
  if (decimals.size() > kMaxDecimals) refuse(text, "is finer than a nanosecond");
  if (digits.size() > kMaxDigits) refuse(text, "is over 292 years");

  Wide count = 0;
  for (const char digit : digits) count = count * 10 + static_cast<unsigned>(digit - '0');
  count *= static_cast<unsigned long long>(unit->nanoseconds);
  for (std::size_t i = 0; i < decimals.size(); ++i) {
    if (count % 10 != 0) refuse(text, "is finer than a nanosecond");
    count /= 10;
  }
  if (count > Wide{std::numeric_limits<std::int64_t>::max()}) refuse(text, "is over 292 years");
  return Nanoseconds(static_cast<std::int64_t>(count));
}

std::string seconds_text(Nanoseconds duration) {
  const std::int64_t count = duration.count();
  std::string decimals = std::to_string(kSecond + count % kSecond);
  decimals.erase(std::max<std::size_t>(decimals.find_last_not_of('0') + 1, 2));
  decimals[0] = '.';
  return std::to_string(count / kSecond) + decimals;
}

}  // namespace brigade::apps
