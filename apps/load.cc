#include "brigade/apps/load.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "brigade/apps/distribution.h"
#include "brigade/apps/duration.h"

namespace brigade::apps {
namespace {

constexpr double kSecond = 1e9;
constexpr std::uint64_t kArrivalStream = 0;

[[noreturn]] void refuse(std::string_view text, const std::string& accepted) {
  throw std::invalid_argument("'" + std::string(text) + "'; accepted is " + accepted);
}

/// A number above zero, or nothing.
template <class Number>
std::optional<Number> positive(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !(value > 0) || !(value <= Number(1e9))) return {};
  return value;
}

/// When client k of a load comes, the others known to come by themselves.
class Instants {
 public:
  explicit Instants(const Load& load) : load_(load) {
    const auto period = static_cast<long double>(load.period.count());
    gap_ = load.rate > 0 ? static_cast<long double>(kSecond) / load.rate : period;
    const double mean_rate = (load.rate + load.last_rate) / 2;
    ramp_s_ = load.clients > 0 && load.pattern == Load::Pattern::kRamp
                  ? static_cast<double>(load.clients) / mean_rate
                  : std::chrono::duration<double>(load.duration).count();
  }

  long double operator()(std::size_t k) {
    const auto n = static_cast<long double>(k);
    switch (load_.pattern) {
      case Load::Pattern::kPoisson:
        last_ -= std::log(RandomStream{load_.seed, kArrivalStream}.at(k)) * gap_;
        return last_;
      case Load::Pattern::kBurst:
        return static_cast<long double>(k - k % load_.burst) * gap_;
      case Load::Pattern::kRamp:
        return ramp(n);
      default:
        return n * gap_;
    }
  }

 private:
  /// Clients until t are rate * t + slope * t^2 / 2.
  long double ramp(long double n) const {
    const long double from = load_.rate, slope = (load_.last_rate - load_.rate) / ramp_s_;
    if (slope == 0) return n * gap_;
    const long double root = std::sqrt(std::max(0.0L, from * from + 2 * slope * n));
    return 2 * n / (from + root) * static_cast<long double>(kSecond);
  }

  const Load& load_;
  long double gap_ = 0;
  double ramp_s_ = 0;
  long double last_ = 0;
};

std::vector<Nanoseconds> read_instants(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("'@" + path + "' cannot be read");
  std::vector<Nanoseconds> instants;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line.erase(std::min(line.find_first_of(",;\t \r"), line.size()));
    if (line.empty()) continue;
    try {
      instants.push_back(parse_duration(line));
    } catch (const std::invalid_argument& error) {
      if (number > 1)
        throw std::invalid_argument(path + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return instants;
}

std::vector<Nanoseconds> split_instants(std::string_view text) {
  std::vector<Nanoseconds> instants;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    instants.push_back(parse_duration(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return instants;
}

std::optional<double> mean_rate(const std::vector<Nanoseconds>& instants) {
  if (instants.empty() || instants.back() == instants.front()) return {};
  const std::chrono::duration<double> during = instants.back() - instants.front();
  return static_cast<double>(instants.size() - 1) / during.count();
}

}  // namespace

std::vector<Nanoseconds> arrivals_of(const Load& load) {
  if (load.pattern == Load::Pattern::kList) return load.list;
  std::vector<Nanoseconds> arrivals;
  arrivals.reserve(load.clients);
  const auto end = static_cast<long double>(load.duration.count());
  Instants instant(load);
  for (std::size_t k = 0; load.clients == 0 || k < load.clients; ++k) {
    const long double at = instant(k);
    if (end > 0 && !(at < end)) break;
    if (k == kMaxClients) throw std::invalid_argument("more than 10000000 clients come");
    if (!(at < 0x1p63L)) throw std::invalid_argument("the last clients come after 292 years");
    arrivals.push_back(Nanoseconds(std::llround(at)));
  }
  if (arrivals.empty()) throw std::invalid_argument("no client comes");
  return arrivals;
}

std::optional<double> offered_rate(const Load& load) {
  if (load.pattern == Load::Pattern::kClosed) return {};
  if (load.pattern == Load::Pattern::kList) return mean_rate(load.list);
  if (load.pattern == Load::Pattern::kRamp) return std::max(load.rate, load.last_rate);
  if (load.rate > 0) return load.rate;
  if (load.period == Nanoseconds::zero()) return {};
  return kSecond / static_cast<double>(load.period.count());
}

double parse_rate(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::optional<double> count = positive<double>(text.substr(0, slash));
  const std::string_view unit = text.substr(slash);
  const double seconds = unit.empty() || unit == "/s" ? 1
                         : unit == "/m"               ? 60
                         : unit == "/h"               ? 3600
                                                      : 0;
  if (!count || seconds == 0) refuse(text, "a number above 0 and a unit of /s, /m, /h (2/s)");
  return *count / seconds;
}

void parse_arrivals(std::string_view text, Load& load) {
  const auto after = [text](std::string_view start) { return text.substr(start.size()); };
  if (text == "uniform") {
    load.pattern = Load::Pattern::kUniform;
  } else if (text == "poisson") {
    load.pattern = Load::Pattern::kPoisson;
  } else if (text.starts_with("burst:")) {
    const auto size = positive<std::size_t>(after("burst:"));
    if (!size) refuse(text, "burst: and how many come together (burst:10)");
    load.pattern = Load::Pattern::kBurst;
    load.burst = *size;
  } else if (text.starts_with("ramp:")) {
    const std::size_t dots = text.find("..");
    if (dots == text.npos) refuse(text, "ramp: and two rates (ramp:1/s..4/s)");
    load.pattern = Load::Pattern::kRamp;
    load.rate = parse_rate(text.substr(5, dots - 5));
    load.last_rate = parse_rate(text.substr(dots + 2));
  } else {
    load.pattern = Load::Pattern::kList;
    load.list =
        text.starts_with('@') ? read_instants(std::string(after("@"))) : split_instants(text);
    std::sort(load.list.begin(), load.list.end());
  }
}

}  // namespace brigade::apps
