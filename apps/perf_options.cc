#include "brigade/apps/perf_options.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "brigade/apps/duration.h"
#include "brigade/apps/restaurant.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kMaxPlaces = 1'000'000'000;
constexpr double kMaxYears = 100;  // Instants are 64-bit nanoseconds: 292 years.

constexpr const char* kTogether =
    "NB_REQUESTS, PERIOD, --arrivals, --speed and the preparation times";

/// Runs `parse`; what it refuses is the argument's.
template <class Parse>
decltype(auto) parsed(const std::string& argument, const Parse& parse) {
  try {
    return parse();
  } catch (const std::invalid_argument& error) {
    refuse(argument, error.what());
  }
}

Nanoseconds duration_of(const std::string& argument, const std::string& text) {
  return parsed(argument, [&] { return parse_duration(text); });
}

Kitchen kitchen_of(const std::string& preset) {
  if (preset == "2015") return kKitchen2015;
  return preset == "solution" ? kKitchenSolution : kKitchen2022;
}

bool is_preset(const std::string& name) {
  return name == "2015" || name == "2022" || name == "solution";
}

}  // namespace

void refuse(const std::string& argument, const std::string& why) {
  throw CLI::ValidationError(argument, why);
}

CLI::Option* add_text(CLI::App& app, const std::string& name, const std::string& kind,
                      const std::string& help, std::function<void(const std::string&)> set) {
  return app.add_option_function<std::string>(name, std::move(set), help)->type_name(kind);
}

std::size_t parse_count(const std::string& argument, const std::string& text, std::size_t max) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 1 || value > max)
    refuse(argument, "'" + text + "'; accepted is a whole number from 1 to " + std::to_string(max));
  return value;
}

void LoadOptions::declare(CLI::App& app) {
  app.add_option("NB_REQUESTS", requests_,
                 "clients; left out with --duration or a list of arrivals")
      ->type_name("COUNT");
  app.add_option("PERIOD", period_, "between two arrivals; left out with what says it otherwise")
      ->type_name("DURATION");
  app.add_option("TIMEOUT", timeout_, "a client served sooner is satisfied")->type_name("DURATION");
  app.add_option("--rate", rate_, "clients a second instead of PERIOD: 2/s, 90/m, 1000/h")
      ->type_name("RATE");
  add_duration(app, "--duration", load.duration, "clients come until then");
  app.add_option("--arrivals", arrivals_,
                 "uniform (default), poisson, burst:K (K at a time), ramp:RATE..RATE,\n"
                 "or durations from the start A,B,... in any order, or @FILE with one in each line")
      ->type_name("HOW");
  CLI::Option* const closed =
      app.add_option("--closed", users_,
                     "USERS who each come back when they were served, instead of clients who come\n"
                     "however long others wait. A service that stalls is then asked less, and the\n"
                     "times of those who would have come are missing (coordinated omission): the\n"
                     "open load counts them, from the instant each wanted to come")
          ->type_name("USERS");
  add_duration(app, "--think", load.think, "how long a --closed user waits before coming back")
      ->needs(closed);
  app.add_option("--seed", load.seed, "of all that is random")->capture_default_str();
  app.add_flag("--inclusive", target.inclusive, "who waits exactly TIMEOUT is satisfied");
  const auto add_goal = [this](const std::vector<std::string>& texts) {
    for (const std::string& text : texts)
      goals.push_back(parsed("--slo", [&] { return Goal::parse(text); }));
  };
  app.add_option_function<std::vector<std::string>>(
         "--slo", add_goal,
         "a goal: min, mean, max, all, p50, p99.9, ... or elapsed (p95<4s), satisfied\n"
         "(satisfied>=99%), failed, throughput, or max queue, mean queue, max wait, mean wait\n"
         "or utilisation of a station (max queue burger<10); repeatable")
      ->expected(1)
      ->take_all()
      ->type_name("GOAL");
}

void LoadOptions::take_positionals() {
  const bool own_end = load.pattern == Load::Pattern::kList || load.duration > Nanoseconds::zero();
  const bool own_pace = rate_ || users_ || load.pattern == Load::Pattern::kList ||
                        load.pattern == Load::Pattern::kRamp;
  if (!requests_ && !own_end) throw CLI::RequiredError("NB_REQUESTS");
  if (!timeout_ && own_pace) {
    timeout_ = std::exchange(period_, {});                              // NB_REQUESTS TIMEOUT
    if (!timeout_ && own_end) timeout_ = std::exchange(requests_, {});  // TIMEOUT
  } else if (!period_) {
    throw CLI::RequiredError("PERIOD");
  } else if (!timeout_) {
    throw CLI::RequiredError("TIMEOUT");
  }
  if (period_ && (users_ || load.pattern == Load::Pattern::kRamp))
    refuse("PERIOD", "--closed and ramps have none; accepted are NB_REQUESTS TIMEOUT");
  if (period_ && rate_) refuse("--rate", "PERIOD is given too; accepted is one");
  if (requests_) load.clients = parse_count("NB_REQUESTS", *requests_, kMaxClients);
  if (period_) load.period = duration_of("PERIOD", *period_);
  if (timeout_) target.timeout = duration_of("TIMEOUT", *timeout_);
}

void LoadOptions::finish_closed() {
  if (arrivals_ || rate_)
    refuse("--closed", "has no --arrivals and no --rate: its users come when they were served");
  load.users = parse_count("--closed", *users_, 1'000'000);
  load.pattern = Load::Pattern::kClosed;
}

void LoadOptions::finish() {
  if (arrivals_) parsed("--arrivals", [&] { parse_arrivals(*arrivals_, load); });
  if (rate_) {
    if (load.pattern == Load::Pattern::kList || load.pattern == Load::Pattern::kRamp)
      refuse("--rate", "--arrivals says it too; accepted is one");
    load.rate = parsed("--rate", [&] { return parse_rate(*rate_); });
  }
  take_positionals();
  if (users_) return finish_closed();
  const std::size_t given = load.list.size();
  if (load.pattern == Load::Pattern::kList && load.clients != 0 && given != load.clients)
    refuse("--arrivals", std::to_string(given) + " given; accepted are as many as NB_REQUESTS, " +
                             std::to_string(load.clients));
  arrivals = parsed(kTogether, [&] { return arrivals_of(load); });
}

Setting parse_setting(const std::string& option, const std::string& text, bool ranges) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0)
    refuse(option, "'" + text + "'; accepted is NAME=COUNT" + (ranges ? " or NAME=FROM..TO" : ""));
  Setting setting{option, text.substr(0, equals), 0, 0};
  const std::string count = text.substr(equals + 1);
  const std::size_t dots = ranges ? count.find("..") : count.npos;
  setting.first = parse_count(option, count.substr(0, dots), kMaxPlaces);
  setting.last = setting.first;
  if (dots != count.npos) setting.last = parse_count(option, count.substr(dots + 2), kMaxPlaces);
  if (setting.last < setting.first) refuse(option, "'" + count + "'; accepted is the lesser first");
  return setting;
}

Scenario load_scenario(const std::string& name, Mode mode) {
  return is_preset(name) ? restaurant(kitchen_of(name), mode) : read_scenario(name);
}

void ScenarioOptions::declare_setting(CLI::App& app, const std::string& option,
                                      const std::string& name, const std::string& help) {
  add_text(app, option, ranges_ ? "COUNT|A..B" : "COUNT", help,
           [this, option, name](const std::string& text) {
             settings.push_back(parse_setting(option, name + "=" + text, ranges_));
           });
}

void ScenarioOptions::declare(CLI::App& app, bool ranges) {
  ranges_ = ranges;
  CLI::Option* const named =
      app.add_option("--preset", preset,
                     "the tutorial's restaurant of 2022 (default) or 2015, or the solution of 2022")
          ->type_name("YEAR")
          ->check(CLI::IsMember({"2022", "2015", "solution"}), "");
  app.add_option("--scenario", file_, "stations and orders of one's own: see docs/perf_test.md")
      ->type_name("FILE")
      ->excludes(named);
  const auto add_time = [&](const std::string& option, std::size_t dish, const std::string& help) {
    add_text(app, option, "DURATION", help, [this, option, dish](const std::string& text) {
      times_[dish] = duration_of(option, text);
    });
  };
  declare_setting(app, "--soda-machines", "soda", "sodas at a time");
  add_time("--soda-time", 0, "to fill a soda");
  declare_setting(app, "--cooks", "cook", "burgers at a time");
  add_time("--burger-time", 1, "to make a burger");
  declare_setting(app, "--vat-size", "vat", "portions of fries in a batch");
  add_time("--fries-time", 2, "to fry a batch");
  const auto add_set = [this](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) settings.push_back(parse_setting("--set", text, ranges_));
  };
  app.add_option_function<std::vector<std::string>>(
         "--set", add_set,
         "places of a station, or portions of a batch, by its name or unit; NAME.count are\n"
         "the vats of a batch station; repeatable")
      ->expected(1)
      ->take_all()
      ->type_name(ranges ? "NAME=COUNT|A..B" : "NAME=COUNT");
}

void ScenarioOptions::finish(Mode mode) {
  scenario =
      parsed("--scenario", [&] { return load_scenario(file_.empty() ? preset : file_, mode); });
  for (std::size_t dish = 0; dish < 3; ++dish) {
    if (!times_[dish]) continue;
    if (!file_.empty()) refuse("--scenario", "has times of its own; accepted are no others");
    scenario.stations[dish].time = Distribution(*times_[dish]);
  }
  for (const Setting& setting : settings) {
    std::size_t& places =
        parsed(setting.option, [&]() -> std::size_t& { return places_of(scenario, setting.name); });
    if (setting.first == setting.last) places = setting.first;
  }
}

bool coloured_output() {
  const char* const no_colour = std::getenv("NO_COLOR");  // See no-color.org.
  return (no_colour == nullptr || *no_colour == '\0') && isatty(STDOUT_FILENO) == 1;
}

void check_goals(const std::vector<Goal>& goals, const Scenario& scenario) {
  for (const Goal& goal : goals) parsed("--slo", [&] { goal.check(scenario); });
}

void check_duration(const Scenario& scenario, const LoadOptions& load, double speed) {
  const auto years = [](Nanoseconds time) {
    return std::chrono::duration<double, std::chrono::years::period>(time).count();
  };
  const Load& how = load.load;
  double preparing = years(how.think), n = static_cast<double>(load.arrivals.size());
  if (how.pattern == Load::Pattern::kClosed) n = static_cast<double>(how.clients + how.users);
  for (const Station& station : scenario.stations) preparing += years(station.time.longest());
  if (how.pattern == Load::Pattern::kClosed && preparing == 0)
    refuse("--closed", "its users would come back at once, for ever; accepted is some --think");
  const double arriving = load.arrivals.empty() ? years(how.duration) : years(load.arrivals.back());
  if ((arriving + n * preparing) / std::min(speed, 1.0) > kMaxYears)
    refuse(kTogether, "together they could last longer than 100 years; accepted is less");
}

}  // namespace brigade::apps
