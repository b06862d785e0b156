// perf_test real: the same load and goals, put on a service that exists.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

#include "apps/perf_commands.h"
#include "brigade/apps/driver.h"
#include "brigade/apps/perf_options.h"
#include "brigade/apps/report.h"

namespace brigade::apps {
namespace {

constexpr const char* kAbout =
    "Puts a load on a service that sends back what it gets, such as echo_server: each client\n"
    "connects, sends a message and waits for it. Times count from the intended arrival.\n"
    "Exit status: 0 when it ran, 1 if it could not or nobody was served, 2 for arguments it does\n"
    "not accept, 3 if a goal was missed.";

struct Options {
  LoadOptions load;
  Drive drive;
  bool json = false;
  bool csv = false;
  bool quiet = false;
};

void set_address(Drive& drive, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  unsigned port = 0;
  if (colon != text.npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error != std::errc() || stop != end) port = 0;
  }
  if (colon == 0 || port < 1 || port > 65535)
    refuse("--connect", "'" + text + "'; accepted is HOST:PORT, such as [::1]:1234");
  drive.port = static_cast<std::uint16_t>(port);
  drive.host = text.substr(0, colon);
  if (drive.host.starts_with('[') && drive.host.ends_with(']'))
    drive.host = drive.host.substr(1, drive.host.size() - 2);
}

void declare(CLI::App& app, Options& options) {
  add_text(app, "--connect", "HOST:PORT", "the service", [&options](const std::string& text) {
    set_address(options.drive, text);
  })->required();
  options.load.declare(app);
  add_text(app, "--message", "TEXT", "what each client sends", [&options](const std::string& text) {
    if (text.empty()) refuse("--message", "''; accepted is some text");
    options.drive.message = text;
  });
  add_duration(app, "--give-up", options.drive.give_up,
               "how long a client waits before it has failed (default: 30s)");
  CLI::Option* const json =
      app.add_flag("--json", options.json, "print one JSON document instead of the table");
  app.add_flag("--csv", options.csv, "print comma-separated values instead of the table")
      ->excludes(json);
  app.add_flag("--quiet", options.quiet, "print the goals and how many were satisfied, no table");
}

/// What the report needs to know of a service whose stations nobody knows.
Simulation simulation_of(const Options& options) {
  Simulation simulation;
  simulation.scenario.name = options.drive.host + ":" + std::to_string(options.drive.port);
  simulation.scenario.orders.resize(1);
  simulation.scenario.orders[0].name = "echo";
  simulation.mode = Mode::kUnconstrained;
  simulation.clock = ClockKind::kReal;
  simulation.load = options.load.load;
  return simulation;
}

bool run(Options& options) {
  options.drive.load = options.load.load;
  options.drive.arrivals = options.load.arrivals;
  Driven driven = drive(options.drive);
  Record record;
  static_cast<Attendance&>(record) = std::move(driven.attendance);
  const Simulation simulation = simulation_of(options);
  const Report report = make_report(simulation, record, options.load.target, options.load.goals);
  if (!driven.error.empty())
    std::fprintf(stderr, "note: %zu failed, the first one: %s\n", report.statistics.failed,
                 driven.error.c_str());
  if (report.statistics.services.empty()) throw std::runtime_error("nobody was served");
  if (options.json)
    print_json(std::cout, report);
  else if (options.csv)
    print_csv(std::cout, report);
  else
    print_text(std::cout, report, {.quiet = options.quiet, .colour = coloured_output()});
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("the report could not be written");
  return report.goals_met();
}

}  // namespace

int real_main(int argc, char** argv) {
  CLI::App app(kAbout, "perf_test real");
  Options options;
  declare(app, options);
  app.callback([&options] {
    options.load.finish();
    check_goals(options.load.goals, {});
  });
  bool met = true;
  const int code = run_app(app, argc, argv, [&] { met = run(options); });
  return code == 0 && !met ? 3 : code;
}

}  // namespace brigade::apps
