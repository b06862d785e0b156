#include "brigade/apps/pictures.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "brigade/apps/chart.h"
#include "brigade/apps/lanes.h"
#include "brigade/apps/restaurant.h"
#include "doctest/doctest.h"
#include "nlohmann/json.hpp"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct Run {
  explicit Run(std::size_t clients) {
    simulation.scenario = restaurant(kKitchen2022);
    simulation.load.clients = clients;
    simulation.load.period = 500ms;
    simulation.arrivals = arrivals_of(simulation.load);
    record = simulate(simulation);
  }
  template <class Write>
  std::string written(const Write& write) const {
    std::ostringstream out;
    write(out, make_report(simulation, record, target, goals));
    return out.str();
  }

  Simulation simulation;
  Record record;
  Target target{.timeout = 5s};
  std::vector<Goal> goals{Goal::parse("p95<4s"), Goal::parse("satisfied>99%")};
};

int count(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return static_cast<int>(std::distance(std::sregex_iterator(text.begin(), text.end(), regex), {}));
}

/// Whether each element that is opened is closed, in order.
bool well_formed(const std::string& xml) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)(\\w+)([^<>]*?)(/?)>");
  for (std::sregex_iterator found(xml.begin(), xml.end(), tag), end; found != end; ++found) {
    const std::smatch& match = *found;
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != match[2]) return false;
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2]);
    }
  }
  return open.empty();
}

TEST_CASE("Lanes: each place has one client at a time, and a vat its batches and who took them") {
  const Run run(10);

  const std::vector<Lane> lanes = lanes_of(run.simulation, run.record);

  REQUIRE(lanes.size() == 5);
  CHECK(lanes[0].name == "soda");
  CHECK(lanes[3].name == "burger 3");
  CHECK(lanes[4].name == "fries");
  for (const Lane& lane : lanes)
    for (std::size_t i = 1; i < lane.bars.size(); ++i)
      CHECK(lane.bars[i - 1].to <= lane.bars[i].from);
  CHECK(lanes[0].bars.size() == 10);
  CHECK(lanes[1].bars.size() + lanes[2].bars.size() + lanes[3].bars.size() == 10);
  REQUIRE(lanes[4].bars.size() == 2);
  CHECK(lanes[4].bars[1].from == 4s);
  CHECK(lanes[4].pick_ups.size() == 10);
  CHECK(lanes[4].pick_ups[4].at == 4s);
  CHECK(lanes[4].pick_ups[5].at == 8s);
}

TEST_CASE("Lanes: of two vats each hands out its own portions") {
  Run run(0 + 1);
  run.simulation.scenario.stations[2].count = 2;
  run.simulation.scenario.stations[2].batch = 3;
  run.simulation.arrivals.assign(8, 0s);
  run.record = simulate(run.simulation);

  const std::vector<Lane> lanes = lanes_of(run.simulation, run.record);

  CHECK(lanes[4].name == "fries 1");
  CHECK(lanes[4].bars.size() == 2);
  CHECK(lanes[4].pick_ups.size() == 4);
  CHECK(lanes[5].pick_ups.size() == 4);
}

TEST_CASE("Pictures: the drawing has every bar, each batch once with its takers, and the limits") {
  const std::string svg = Run(10).written(write_svg);

  CHECK(well_formed(svg));
  CHECK(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0) == 0);
  CHECK(count(svg, ">batch</text>") == 2);
  CHECK(count(svg, "<title>soda: client_") == 10);
  CHECK(count(svg, "<title>burger \\d: client_") == 10);
  CHECK(svg.find(">1 2 3 4 5</text>") != svg.npos);
  CHECK(svg.find("<title>fries: 6 7 8 9 10 at 8.0 s</title>") != svg.npos);
  CHECK(count(svg, ">timeout 5 s</text>") == 2);
  CHECK(count(svg, ">p95&lt;4s</text>") == 1);
  CHECK(count(svg, "<circle ") == 10);
  CHECK(count(svg, "<polyline ") == 4);  // the shares and three queues
  CHECK(count(svg, "nan|inf|>-0<") == 0);
}

TEST_CASE("Pictures: of many clients the drawing stays small, and says so") {
  const std::string svg = Run(20'000).written(write_svg);

  CHECK(svg.size() < 500'000);
  CHECK(svg.find("the first 60 clients") != svg.npos);
  CHECK(count(svg, "<circle ") == 1500);
}

TEST_CASE("Pictures: one client who is served at once can be drawn") {
  Run run(1);
  for (Station& station : run.simulation.scenario.stations) station.time = Distribution(0s);
  run.record = simulate(run.simulation);

  CHECK(count(run.written(write_svg), "nan|inf") == 0);
  CHECK(run.written([](std::ostream& out, const Report& report) { print_gantt(out, report); })
            .find("soda") != std::string::npos);
}

TEST_CASE("Pictures: the page needs nothing from elsewhere and holds the report") {
  Run run(10);
  run.simulation.scenario.name = "<b>&\"";
  const std::string html = run.written(write_html);

  CHECK(html.find("<h1>&lt;b&gt;&amp;&quot;: 5 of 10 clients satisfied</h1>") != html.npos);
  CHECK(count(html, "src=|href=|url\\(|@import") == 0);
  CHECK(html.find("goal p95&lt;4s: missed (7.5s)") != html.npos);
}

TEST_CASE("Pictures: a text shows who is where when") {
  const std::string text = Run(10).written(
      [](std::ostream& out, const Report& report) { print_gantt(out, report, 14 + 24); });

  CHECK(text == R"(s             0                   10
soda          11223344556677889900....
burger 1      111111444444777777000000
burger 2      .222222555555888888.....
burger 3      ..333333666666999999....
fries         [#######[#######........
  taken               5       5
)");
}

TEST_CASE("Trace: it is JSON whose spans are the clients' times at the stations") {
  const json trace = json::parse(Run(10).written(write_trace));

  double soda = 0, burger = 0, batches = 0;
  int begun = 0, ended = 0, pick_ups = 0;
  for (const json& event : trace.at("traceEvents")) {
    const std::string kind = event.at("ph");
    if (kind == "X" && event.at("pid") == 1) soda += event.at("dur").get<double>();
    if (kind == "X" && event.at("pid") == 2) burger += event.at("dur").get<double>();
    if (kind == "X" && event.at("pid") == 3) batches += event.at("dur").get<double>();
    begun += kind == "b" ? 1 : 0;
    ended += kind == "e" ? 1 : 0;
    pick_ups += kind == "i" ? 1 : 0;
  }
  CHECK(soda == 10e6);
  CHECK(burger == 30e6);
  CHECK(batches == 8e6);
  CHECK(begun == 10);
  CHECK(ended == 10);
  CHECK(pick_ups == 10);
}

TEST_CASE("Chart: ticks are round numbers within the axis") {
  CHECK(ticks({0, 12}, 10) == std::vector<double>{0, 2, 4, 6, 8, 10, 12});
  CHECK(ticks({0, 0.35}, 7).size() == 8);
  CHECK(ticks({0, 0}, 5) == std::vector<double>{0});
  for (const double tick : ticks({0, 7.3}, 5)) CHECK_FALSE(std::signbit(tick));
}

}  // namespace
}  // namespace brigade::apps
