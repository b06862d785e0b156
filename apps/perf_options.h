#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "brigade/apps/command_line.h"
#include "brigade/apps/goals.h"
#include "brigade/apps/load.h"
#include "brigade/apps/scenario.h"
#include "brigade/apps/simulation.h"
#include "brigade/apps/statistics.h"

namespace brigade::apps {

// What the commands of perf_test have in common. Each is declared to the parser, and finished when
// all arguments are known. What is wrong throws CLI::ParseError, naming the argument.

/// NB_REQUESTS PERIOD TIMEOUT, what may stand for them, and --slo.
class LoadOptions {
 public:
  void declare(CLI::App& app);
  void finish();

  Load load;
  std::vector<Nanoseconds> arrivals;  // of an open load
  Target target;
  std::vector<Goal> goals;

 private:
  void take_positionals();
  void finish_closed();

  std::optional<std::string> requests_, period_, timeout_, rate_, arrivals_, users_;
};

/// From `first` to `last` places of what is called `name` in a scenario.
struct Setting {
  std::string option;
  std::string name;
  std::size_t first;
  std::size_t last;
};

/// --preset or --scenario, and what departs from it.
class ScenarioOptions {
 public:
  /// `ranges`: A..B is accepted too where a number of places is.
  void declare(CLI::App& app, bool ranges);
  void finish(Mode mode = Mode::kConstrained);

  Scenario scenario;
  std::vector<Setting> settings;  // already set in the scenario unless they are ranges
  std::string preset = "2022";

 private:
  void declare_setting(CLI::App& app, const std::string& option, const std::string& name,
                       const std::string& help);

  std::string file_;
  std::vector<std::string> sets_;
  std::optional<Nanoseconds> times_[3];
  bool ranges_ = false;
};

/// A preset by its name ("2022", "2015", "solution"), or else the file of that name.
Scenario load_scenario(const std::string& name, Mode mode = Mode::kConstrained);

/// "cook=6" or, if `ranges`, "cook=1..10".
Setting parse_setting(const std::string& option, const std::string& text, bool ranges);

/// Refuses goals about stations that the scenario does not have.
void check_goals(const std::vector<Goal>& goals, const Scenario& scenario);

/// Refuses what could last over 100 years on the clock.
void check_duration(const Scenario& scenario, const LoadOptions& load, double speed);

/// Whether stdout is a terminal whose user did not set NO_COLOR.
bool coloured_output();

[[noreturn]] void refuse(const std::string& argument, const std::string& why);

/// An option whose value `set` takes as text.
CLI::Option* add_text(CLI::App& app, const std::string& name, const std::string& kind,
                      const std::string& help, std::function<void(const std::string&)> set);

/// A whole number from 1 to `max`.
std::size_t parse_count(const std::string& argument, const std::string& text, std::size_t max);

}  // namespace brigade::apps
