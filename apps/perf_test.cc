// The tutorials' perf_test(nb_requests, period, timeout): how many clients of a fast-food
// restaurant, or of any service, are served in time. `perf_test 10 1 5` lives on the virtual clock:
// it is exact and takes no time.
#include <charconv>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "apps/perf_commands.h"
#include "brigade/apps/event_lines.h"
#include "brigade/apps/perf_options.h"
#include "brigade/apps/pictures.h"
#include "brigade/apps/report.h"

namespace brigade::apps {
namespace {

constexpr double kMaxSpeed = 1e6;

constexpr const char* kAbout =
    "Serves NB_REQUESTS clients, one every PERIOD, and counts those served within TIMEOUT.\n"
    "A DURATION is in seconds (0.5) or has a unit: ns, us, ms, s, m, h (500ms).\n"
    "`perf_test plan` finds the cheapest change that meets the goals, `perf_test compare` shows "
    "two\n"
    "configurations side by side, `perf_test real` puts the load on a service that exists: see\n"
    "their --help.\n"
    "Exit status: 0 when it ran, 1 if it could not, 2 for arguments it does not accept,\n"
    "3 if a goal was missed.";

struct Options {
  LoadOptions load;
  ScenarioOptions scenario;
  Simulation simulation;
  bool trace = false;
  bool verbose = false;
  bool json = false;
  bool csv = false;
  bool quiet = false;
  bool gantt = false;
  std::string svg, html, trace_json;  // files
};

void set_speed(double& speed, const std::string& text) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, speed);
  if (error != std::errc() || stop != end || !(speed > 0 && speed <= kMaxSpeed))
    refuse("--speed", "'" + text + "'; accepted is a number above 0, at most 1000000");
}

void set_mode(Mode& mode, const std::string& name) {
  if (name == "constrained") mode = Mode::kConstrained;
  if (name == "unconstrained") mode = Mode::kUnconstrained;
  if (name == "sequential") mode = Mode::kSequential;
}

void declare_run(CLI::App& app, Options& options) {
  Simulation& simulation = options.simulation;
  add_text(app, "--mode", "MODE", "constrained (default), unconstrained (no queue), sequential",
           [&simulation](const std::string& name) { set_mode(simulation.mode, name); })
      ->check(CLI::IsMember({"constrained", "unconstrained", "sequential"}), "");
  add_text(app, "--clock", "CLOCK", "virtual (default; exact, takes no time) or real",
           [&simulation](const std::string& name) {
             simulation.clock = name == "real" ? ClockKind::kReal : ClockKind::kVirtual;
           })
      ->check(CLI::IsMember({"virtual", "real"}), "");
  add_text(app, "--speed", "X", "lets the real clock's service run X times faster",
           [&simulation](const std::string& text) { set_speed(simulation.speed, text); });
}

void declare_output(CLI::App& app, Options& options) {
  app.add_flag("--trace", options.trace,
               "print each event (to stderr with --json and --csv), as the tutorial does");
  app.add_flag("--verbose", options.verbose, "print what the loop asks the kernel by (to stderr)");
  CLI::Option* const json =
      app.add_flag("--json", options.json, "print one JSON document instead of the table");
  CLI::Option* const csv =
      app.add_flag("--csv", options.csv, "print comma-separated values instead of the table")
          ->excludes(json);
  app.add_flag("--quiet", options.quiet, "print the goals and how many were satisfied, no table");
  app.add_flag("--gantt", options.gantt, "print who is where when, above the table")
      ->excludes(json)
      ->excludes(csv);
  const auto add_file = [&app](const char* name, std::string& path, const char* help) {
    app.add_option(name, path, help)->type_name("FILE");
  };
  add_file("--svg", options.svg, "write a drawing: stations, service times, queues");
  add_file("--html", options.html, "write the same as a page, with the report");
  add_file("--trace-json", options.trace_json, "write a trace for ui.perfetto.dev");
}

void declare(CLI::App& app, Options& options) {
  options.load.declare(app);
  options.scenario.declare(app, false);
  declare_run(app, options);
  declare_output(app, options);
  app.callback([&options] {
    Simulation& simulation = options.simulation;
    options.load.finish();
    options.scenario.finish(simulation.mode);
    simulation.scenario = options.scenario.scenario;
    check_duration(simulation.scenario, options.load, simulation.speed);
    check_goals(options.load.goals, simulation.scenario);
    simulation.load = options.load.load;
    simulation.arrivals = std::move(options.load.arrivals);
  });
}

/// Names the stations that clients reach faster than they work: the share of satisfied clients then
/// depends on how many there are.
void note_overload(const Simulation& simulation) {
  if (simulation.arrivals.size() == 1) return;
  if (simulation.mode == Mode::kUnconstrained) return;
  Scenario scenario = simulation.scenario;
  if (simulation.mode == Mode::kSequential) {
    Station server;
    server.says = "the server makes";
    Nanoseconds time{};
    for (const Station& station : scenario.stations) time += station.time.mean();
    server.time = Distribution(time);
    scenario.stations = {server};
    scenario.orders.resize(1);
    scenario.orders[0].needs = {0};
  }
  for (const std::string& note : notes_on(scenario, simulation.load))
    std::fprintf(stderr, "note: %s\n", note.c_str());
}

/// On the real clock, who is on the edge counts either way from run to run.
void warn_of_edge(const Report& report) {
  if (report.simulation.clock != ClockKind::kReal || report.statistics.on_edge == 0) return;
  std::fprintf(stderr,
               "warning: %zu of the service times lie within 1 ms (of real time) of the timeout; "
               "these may count either way\n",
               report.statistics.on_edge);
}

std::function<void(const Event&)> tracer(const Options& options) {
  std::ostream& out = options.json || options.csv ? std::cerr : std::cout;
  const Simulation& simulation = options.simulation;
  const bool live = simulation.clock == ClockKind::kReal;
  const Tutorial tutorial = options.scenario.preset == "2015" ? Tutorial::k2015 : Tutorial::k2022;
  return [&out, &simulation, live, tutorial](const Event& event) {
    const std::string line = simulation.scenario.restaurant
                                 ? event_line(tutorial, simulation.mode, event)
                                 : event_line(simulation.scenario, event);
    if (line.empty()) return;
    out << line << '\n';
    if (live) out.flush();
  };
}

void write_file(const std::string& path, const Report& report,
                void (*write)(std::ostream&, const Report&)) {
  if (path.empty()) return;
  std::ofstream file(path);
  write(file, report);
  file.close();
  if (!file) throw std::runtime_error("'" + path + "' could not be written");
}

void write_pictures(const Options& options, const Report& report) {
  write_file(options.svg, report, write_svg);
  write_file(options.html, report, write_html);
  write_file(options.trace_json, report, write_trace);
  if (options.gantt) print_gantt(std::cout, report);
}

// Asking the loop would set up a back end that the virtual clock does without.
std::function<void(Loop&)> tell_back_end(ClockKind clock) {
  if (clock == ClockKind::kVirtual)
    return [](Loop&) { std::cerr << "virtual clock: asks the kernel for nothing\n"; };
  return [](Loop& loop) { std::cerr << loop.capabilities().to_string() << '\n'; };
}

/// Whether the goals were met.
bool run(Options& options) {
  Simulation& simulation = options.simulation;
  if (!options.quiet) note_overload(simulation);
  if (options.trace) simulation.observer = tracer(options);
  if (options.verbose) simulation.begin = tell_back_end(simulation.clock);
  const Record record = simulate(simulation);
  const Report report = make_report(simulation, record, options.load.target, options.load.goals);
  warn_of_edge(report);
  write_pictures(options, report);
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
}  // namespace brigade::apps

int main(int argc, char** argv) {
  using namespace brigade::apps;
  constexpr int kMissed = 3;
  std::ios::sync_with_stdio(false);
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "plan") return plan_main(argc - 1, argv + 1);
  if (command == "compare") return compare_main(argc - 1, argv + 1);
  if (command == "real") return real_main(argc - 1, argv + 1);
  CLI::App app(kAbout, "perf_test");
  Options options;
  declare(app, options);
  bool met = true;
  const int code = run_app(app, argc, argv, [&] { met = run(options); });
  return code == 0 && !met ? kMissed : code;
}
