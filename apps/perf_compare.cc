// perf_test compare: two configurations under the same load.
#include <iostream>
#include <stdexcept>
#include <string>

#include "apps/perf_commands.h"
#include "brigade/apps/comparison.h"
#include "brigade/apps/perf_options.h"

namespace brigade::apps {
namespace {

constexpr const char* kAbout =
    "Serves the same clients in two configurations and shows them side by side. Each is a preset\n"
    "(2022, 2015, solution) or a scenario's file, with places of its own if need be: 2022:cook=4,\n"
    "2022:soda=2,vat=8, shop.json:web=9.\n"
    "Exit status: 0 when it ran, 1 if it could not, 2 for arguments it does not accept, 3 if B\n"
    "misses a goal.";

struct Options {
  std::string a, b;
  LoadOptions load;
  bool json = false;
};

Scenario configuration(const std::string& argument, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t colon = equals == text.npos ? text.npos : text.rfind(':', equals);
  try {
    Scenario scenario = load_scenario(text.substr(0, colon));
    for (std::size_t at = colon; at < text.size();) {
      const std::size_t end = std::min(text.find(',', at + 1), text.size());
      const Setting setting = parse_setting(argument, text.substr(at + 1, end - at - 1), false);
      places_of(scenario, setting.name) = setting.first;
      at = end;
    }
    return scenario;
  } catch (const std::invalid_argument& error) {
    refuse(argument, error.what());
  }
}

bool run(Options& options) {
  Simulation a;
  a.load = options.load.load;
  a.arrivals = options.load.arrivals;
  Simulation b = a;
  a.scenario = configuration("A", options.a);
  b.scenario = configuration("B", options.b);
  const Record first = simulate(a), second = simulate(b);
  const Report before = make_report(a, first, options.load.target, options.load.goals);
  const Report after = make_report(b, second, options.load.target, options.load.goals);
  if (options.json)
    print_json(std::cout, compare(before, after));
  else
    print_text(std::cout, compare(before, after));
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("the comparison could not be written");
  return after.goals_met();
}

}  // namespace

int compare_main(int argc, char** argv) {
  CLI::App app(kAbout, "perf_test compare");
  Options options;
  app.add_option("A", options.a, "a configuration")->required()->type_name("NAME[:UNIT=COUNT,...]");
  app.add_option("B", options.b, "another")->required()->type_name("NAME[:UNIT=COUNT,...]");
  options.load.declare(app);
  app.add_flag("--json", options.json, "print one JSON document instead of the table");
  app.callback([&options] {
    options.load.finish();
    for (const auto& [name, text] : {std::pair("A", options.a), {"B", options.b}}) {
      const Scenario scenario = configuration(name, text);
      check_duration(scenario, options.load, 1);
      check_goals(options.load.goals, scenario);
    }
  });
  bool met = true;
  const int code = run_app(app, argc, argv, [&] { met = run(options); });
  return code == 0 && !met ? 3 : code;
}

}  // namespace brigade::apps
