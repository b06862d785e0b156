// perf_test plan: what to add, so that the goals are met.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "apps/perf_commands.h"
#include "brigade/apps/duration.h"
#include "brigade/apps/perf_options.h"
#include "brigade/apps/plan_report.h"
#include "brigade/apps/planner.h"

namespace brigade::apps {
namespace {

constexpr int kMissed = 3;
constexpr int kInterrupted = 128 + SIGINT;

constexpr const char* kAbout =
    "Tries every configuration of a restaurant, or of a --scenario, under the same load: says "
    "which\n"
    "is the cheapest that meets the goals (all < TIMEOUT, if no --slo is given), what one more of\n"
    "each would change, and up to which load each configuration meets them.\n"
    "Exit status: 0 if a configuration meets the goals, 3 if none does, 1 if it could not run,\n"
    "2 for arguments it does not accept, 130 after Ctrl-C, with what was found until then.";

struct Options {
  LoadOptions load;
  ScenarioOptions scenario;
  std::vector<std::string> costs;
  std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  bool no_knee = false;
  bool json = false;
};

std::atomic<bool> stopped = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // A signal handler sets it.

void set_costs(Scenario& scenario, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const std::size_t equals = std::min(text.find('='), text.size());
    double cost = -1;
    if (equals + 1 < text.size()) {
      char* end = nullptr;
      cost = std::strtod(text.c_str() + equals + 1, &end);
      if (*end != '\0') cost = -1;
    }
    if (!(cost >= 0 && cost <= 1e9))
      refuse("--cost", "'" + text + "'; accepted is NAME=NUMBER, not negative");
    const std::string name = text.substr(0, equals);
    bool known = false;
    for (Station& station : scenario.stations) {
      if (station.name != name && station.unit != name) continue;
      station.cost = cost;
      known = true;
    }
    if (!known) refuse("--cost", "there is no station '" + name + "'");
  }
}

void declare(CLI::App& app, Options& options) {
  options.load.declare(app);
  options.scenario.declare(app, true);
  app.add_option("--cost", options.costs,
                 "what one more place of a station costs, or one more portion of a batch; what is\n"
                 "taken away saves nothing (soda=1,cook=0.333,vat=0.2 for the restaurants)")
      ->delimiter(',')
      ->type_name("NAME=COST,...");
  app.add_option("--threads", options.threads, "that try configurations at the same time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--no-knee", options.no_knee,
               "do not look for the load at which each breaks, which takes most of the time");
  app.add_flag("--json", options.json, "print one JSON document instead of the tables");
}

Question question_of(Options& options) {
  Question question;
  options.load.finish();
  options.scenario.finish();
  Scenario& scenario = question.simulation.scenario = options.scenario.scenario;
  set_costs(scenario, options.costs);
  check_duration(scenario, options.load, 1);
  for (const Setting& setting : options.scenario.settings)
    if (setting.first != setting.last)
      question.axes.push_back({setting.name, setting.first, setting.last});
  if (question.axes.empty())
    refuse("--set", "nothing varies; accepted is at least one range, such as --cooks 1..10");
  question.knees = !options.no_knee;
  question.target = options.load.target;
  question.goals = options.load.goals;
  if (question.goals.empty() && question.target.timeout == Nanoseconds::max())
    refuse("--slo", "there is no goal; accepted is one, or TIMEOUT");
  if (question.goals.empty())
    question.goals.push_back(Goal::parse((question.target.inclusive ? "all<=" : "all<") +
                                         seconds_text(question.target.timeout) + "s"));
  check_goals(question.goals, scenario);
  question.simulation.load = options.load.load;
  question.simulation.arrivals = options.load.arrivals;
  return question;
}

void show_progress(std::size_t done, std::size_t all) {
  constexpr std::size_t kWidth = 40;
  const std::size_t filled = kWidth * done / all;
  if (done != all && filled == kWidth * (done - 1) / all && done % 16 != 0) return;
  std::string bar(filled, '=');
  bar.resize(kWidth, ' ');
  std::fprintf(stderr, "\r[%s] %zu of %zu steps", bar.c_str(), done, all);
  if (done == all) std::fprintf(stderr, "\r%*s\r", static_cast<int>(kWidth) + 40, "");
}

int run(const Question& question, const Options& options) {
  std::signal(SIGINT, [](int) { stopped = true; });
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const Plan plan = make_plan(question, options.threads, stopped,
                              terminal ? Progress(show_progress) : Progress());
  if (terminal && !plan.complete) std::fputc('\n', stderr);
  if (options.json)
    print_json(std::cout, question, plan);
  else
    print_text(std::cout, question, plan);
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("the plan could not be written");
  if (!plan.complete) return kInterrupted;
  return plan.cheapest ? 0 : kMissed;
}

}  // namespace

int plan_main(int argc, char** argv) {
  CLI::App app(kAbout, "perf_test plan");
  Options options;
  Question question;
  declare(app, options);
  app.callback([&] { question = question_of(options); });
  int found = 0;
  const int code = run_app(app, argc, argv, [&] { found = run(question, options); });
  return code == 0 ? found : code;
}

}  // namespace brigade::apps
