// The tutorials' perf_test(nb_requests, period, timeout): how many clients of a fast-food
// restaurant are served in time. `perf_test 10 1 5` lives on the virtual clock: it is exact and
// takes no time.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/apps/command_line.h"
#include "brigade/apps/duration.h"
#include "brigade/apps/event_lines.h"
#include "brigade/apps/perf_report.h"
#include "brigade/apps/restaurant.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kMaxRequests = 10'000'000;
constexpr std::size_t kMaxPlaces = 1'000'000'000;
constexpr double kMaxSpeed = 1e6;
constexpr double kMaxYears = 100;  // Instants are 64-bit nanoseconds: 292 years.

constexpr const char* kAbout =
    "Serves NB_REQUESTS clients, one every PERIOD, and counts those served within TIMEOUT.\n"
    "A DURATION is in seconds (0.5) or has a unit: ns, us, ms, s, m, h (500ms).\n"
    "Exit status: 0 when it ran, 1 if it could not, 2 for arguments it does not accept.";

struct Options {
  std::size_t requests = 0;
  Nanoseconds period{};
  Target target;
  Tutorial tutorial = Tutorial::k2022;
  Scenario scenario;
  bool trace = false;
  bool verbose = false;
  bool json = false;
};

[[noreturn]] void refuse(const std::string& argument, const std::string& why) {
  throw CLI::ValidationError(argument, why);
}

CLI::Option* add_text(CLI::App& app, const std::string& name, const std::string& kind,
                      const std::string& help, std::function<void(const std::string&)> set) {
  return app.add_option_function<std::string>(name, std::move(set), help)->type_name(kind);
}

CLI::Option* add_count(CLI::App& app, const std::string& name, std::size_t& value, std::size_t max,
                       const std::string& help) {
  return add_text(app, name, "COUNT", help, [name, &value, max](const std::string& text) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value < 1 || value > max)
      refuse(name, "'" + text + "'; accepted is a whole number from 1 to " + std::to_string(max));
  });
}

void set_speed(Scenario& scenario, const std::string& text) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, scenario.speed);
  if (error != std::errc() || stop != end || !(scenario.speed > 0 && scenario.speed <= kMaxSpeed))
    refuse("--speed", "'" + text + "'; accepted is a number above 0, at most 1000000");
}

void set_arrivals(std::vector<Nanoseconds>& arrivals, const std::string& text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    try {
      arrivals.push_back(parse_duration(std::string_view(text).substr(begin, end - begin)));
    } catch (const std::invalid_argument& error) {
      refuse("--arrivals", error.what());
    }
    begin = end + 1;
  }
  std::sort(arrivals.begin(), arrivals.end());
}

void set_preset(Options& options, const std::string& year) {
  options.tutorial = year == "2015" ? Tutorial::k2015 : Tutorial::k2022;
  options.scenario.kitchen = year == "2015" ? kKitchen2015 : kKitchen2022;
}

void set_mode(Scenario& scenario, const std::string& name) {
  if (name == "constrained") scenario.mode = Mode::kConstrained;
  if (name == "unconstrained") scenario.mode = Mode::kUnconstrained;
  if (name == "sequential") scenario.mode = Mode::kSequential;
}

// The preset comes before what departs from it.
void declare_restaurant(CLI::App& app, Options& options) {
  Kitchen& kitchen = options.scenario.kitchen;
  add_text(app, "--preset", "YEAR", "of the tutorial whose restaurant it is: 2022 (default), 2015",
           [&options](const std::string& year) { set_preset(options, year); })
      ->check(CLI::IsMember({"2022", "2015"}), "");
  add_count(app, "--soda-machines", kitchen.soda_machines, kMaxPlaces, "sodas at a time");
  add_duration(app, "--soda-time", kitchen.soda_time, "to fill a soda");
  add_count(app, "--cooks", kitchen.cooks, kMaxPlaces, "burgers at a time");
  add_duration(app, "--burger-time", kitchen.burger_time, "to make a burger");
  add_count(app, "--vat-size", kitchen.vat_size, kMaxPlaces, "portions of fries in a batch");
  add_duration(app, "--fries-time", kitchen.fries_time, "to fry a batch");
}

void declare_run(CLI::App& app, Options& options) {
  Scenario& scenario = options.scenario;
  add_text(app, "--mode", "MODE", "constrained (default), unconstrained (no queue), sequential",
           [&scenario](const std::string& name) { set_mode(scenario, name); })
      ->check(CLI::IsMember({"constrained", "unconstrained", "sequential"}), "");
  add_text(app, "--clock", "CLOCK", "virtual (default; exact, takes no time) or real",
           [&scenario](const std::string& name) {
             scenario.clock = name == "real" ? ClockKind::kReal : ClockKind::kVirtual;
           })
      ->check(CLI::IsMember({"virtual", "real"}), "");
  add_text(app, "--speed", "X", "lets the real clock's restaurant run X times faster",
           [&scenario](const std::string& text) { set_speed(scenario, text); });
  add_text(app, "--arrivals", "A,B,...",
           "NB_REQUESTS durations from the start, in any order; PERIOD may then be left out",
           [&scenario](const std::string& text) { set_arrivals(scenario.arrivals, text); });
  app.add_flag("--inclusive", options.target.inclusive, "who waits exactly TIMEOUT is satisfied");
  app.add_flag("--trace", options.trace, "print the tutorial's lines (to stderr with --json)");
  app.add_flag("--verbose", options.verbose, "print what the loop asks the kernel by (to stderr)");
  app.add_flag("--json", options.json, "print one JSON document instead of the table");
}

/// What no argument can say of itself.
void check_together(const Options& options) {
  const Scenario& scenario = options.scenario;
  const std::size_t given = scenario.arrivals.size();
  if (given != 0 && given != options.requests)
    refuse("--arrivals", std::to_string(given) + " given; accepted are as many as NB_REQUESTS, " +
                             std::to_string(options.requests));
  const Kitchen& kitchen = scenario.kitchen;
  const auto years = [](Nanoseconds time) {
    return std::chrono::duration<double, std::chrono::years::period>(time).count();
  };
  const auto n = static_cast<double>(options.requests);
  const double arriving =
      scenario.arrivals.empty() ? n * years(options.period) : years(scenario.arrivals.back());
  const double preparing =
      n * (years(kitchen.soda_time) + years(kitchen.burger_time) + years(kitchen.fries_time));
  if ((arriving + preparing) / std::min(scenario.speed, 1.0) > kMaxYears)
    refuse("NB_REQUESTS, PERIOD, --arrivals, --speed and the preparation times",
           "together they could last longer than 100 years; accepted is less");
}

void declare(CLI::App& app, Options& options) {
  add_count(app, "NB_REQUESTS", options.requests, kMaxRequests, "clients")->required();
  add_duration(app, "PERIOD", options.period, "between two arrivals")->required();
  const CLI::Option* timeout =
      add_duration(app, "TIMEOUT", options.target.timeout, "a client served sooner is satisfied");
  declare_restaurant(app, options);
  declare_run(app, options);
  app.callback([&options, timeout] {
    // `NB_REQUESTS TIMEOUT --arrivals LIST`: the list replaces PERIOD.
    if (timeout->count() == 0 && options.scenario.arrivals.empty())
      throw CLI::RequiredError("TIMEOUT");
    if (timeout->count() == 0) options.target.timeout = options.period;
    check_together(options);
  });
}

void note_station(const char* station, std::size_t places, Nanoseconds time, Nanoseconds period) {
  const bool keeps_up = static_cast<long double>(time.count()) <=
                        static_cast<long double>(places) * static_cast<long double>(period.count());
  if (keeps_up) return;
  std::fprintf(stderr, "note: %s %.3g a second but %.3g arrive: the queue grows without bound\n",
               station, static_cast<double>(places) / std::chrono::duration<double>(time).count(),
               1 / std::chrono::duration<double>(period).count());
}

/// Names the stations that clients reach faster than they work: the share of satisfied clients then
/// depends on how many there are.
void note_overload(const Options& options) {
  const Kitchen& kitchen = options.scenario.kitchen;
  const Nanoseconds period = options.period;
  if (options.requests == 1 || period == Nanoseconds::zero()) return;
  if (options.scenario.mode == Mode::kConstrained) {
    note_station("the soda machines fill", kitchen.soda_machines, kitchen.soda_time, period);
    note_station("the cooks make", kitchen.cooks, kitchen.burger_time, period);
    note_station("the vat fries", kitchen.vat_size, kitchen.fries_time, period);
  } else if (options.scenario.mode == Mode::kSequential) {
    note_station("the server makes", 1,
                 kitchen.soda_time + kitchen.burger_time + kitchen.fries_time, period);
  }
}

/// On the real clock, who is on the edge counts either way from run to run.
void warn_of_edge(const Options& options, const std::vector<Visit>& visits) {
  if (options.scenario.clock != ClockKind::kReal) return;
  const double edge = 1e6 * options.scenario.speed;  // 1 ms of real time
  const auto count = std::count_if(visits.begin(), visits.end(), [&](const Visit& visit) {
    return std::abs(static_cast<double>((visit.service - options.target.timeout).count())) <= edge;
  });
  if (count == 0) return;
  std::fprintf(stderr,
               "warning: %td of the service times lie within 1 ms (of real time) of the timeout; "
               "these may count either way\n",
               count);
}

KitchenObserver tracer(const Options& options) {
  std::ostream& out = options.json ? std::cerr : std::cout;
  const bool live = options.scenario.clock == ClockKind::kReal;
  return [&out, live, tutorial = options.tutorial, mode = options.scenario.mode](
             KitchenEvent event, std::size_t client, Nanoseconds since_arrival) {
    const std::string line = event_line(tutorial, mode, event, client, since_arrival);
    if (line.empty()) return;
    out << line << '\n';
    if (live) out.flush();
  };
}

void run(Options& options) {
  Scenario& scenario = options.scenario;
  if (scenario.arrivals.empty()) {
    note_overload(options);
    scenario.arrivals = regular_arrivals(options.requests, options.period);
  }
  if (options.trace) scenario.observer = tracer(options);
  if (options.verbose)
    scenario.on_back_end = [](const std::string& what) { std::cerr << what << '\n'; };
  const std::vector<Visit> visits = serve_all(scenario);
  warn_of_edge(options, visits);
  if (options.json)
    print_json(std::cout, scenario, options.target, visits);
  else
    print_table(std::cout, options.target, visits);
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("the report could not be written");
}

}  // namespace
}  // namespace brigade::apps

int main(int argc, char** argv) {
  using namespace brigade::apps;
  std::ios::sync_with_stdio(false);
  CLI::App app(kAbout, "perf_test");
  Options options;
  declare(app, options);
  return run_app(app, argc, argv, [&options] { run(options); });
}
