// Drives perf_test plan, compare and real, as a shell does.
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "brigade/tests/support/scratch.h"
#include "doctest/doctest.h"
#include "nlohmann/json.hpp"
#include "tests/apps/echo_programs.h"

namespace brigade {
namespace {

using nlohmann::json;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

Ended perf(const std::string& arguments) { return run_program("apps/perf_test " + arguments); }

json document_of(const std::string& arguments, int exit_code = 0) {
  const Ended ended = run_program("{ apps/perf_test " + arguments + " --json 2>/dev/null; }");
  CAPTURE(ended.output);
  CHECK(ended.exit_code == exit_code);
  return json::parse(ended.output);
}

/// On a terminal.
Ended on_terminal(const std::string& command) {
  return run_program("TERM=xterm script -qec '" + command + "' /dev/null");
}

TEST_CASE("perf_test plan: the whole grid of the tutorial's problem has the tutorial's answer") {
  struct Answer {
    const char* clients;
    json places;
  };
  const json lasting{{"soda", 2}, {"cook", 6}, {"vat", 8}};
  const std::vector<Answer> answers{
      {"10", {{"soda", 2}, {"cook", 5}, {"vat", 7}}}, {"100", lasting}, {"1000", lasting}};

  for (const Answer& answer : answers) {
    const json plan = document_of(std::string("plan ") + answer.clients +
                                  " 0.5 5 --cooks 1..10 --soda-machines 1..4 --vat-size 1..16"
                                  " --no-knee");

    CHECK(plan.at("complete") == true);
    CHECK(plan.at("configurations") == 640);
    CHECK(plan.at("outcomes").size() == 640);
    CHECK(plan.at("goals") == json::array({"all<5.0s"}));
    CHECK(plan.at("cheapest").at("places") == answer.places);
    CHECK(plan.at("cheapest").at("knee_per_s").is_null());
    CHECK(plan.at("today").at("satisfied") == 5);
  }
}

TEST_CASE("perf_test plan: the tables say what is cheapest, and what one more would change") {
  const Ended ended = perf("plan 100 0.5 5 --cooks 5..6 --soda-machines 2 --vat-size 8");

  CHECK(ended.exit_code == 0);
  CHECK(contains(ended.output, "2 of 2 configurations tried, 1 meet all<5.0s\n"));
  CHECK(contains(ended.output, "\ncheapest     6 "));
  CHECK(contains(ended.output, "\n+1 cook      7 "));
  CHECK(contains(ended.output, "\ntoday       3 "));
}

TEST_CASE("perf_test plan: costs decide what is cheapest") {
  const std::string grid = "plan 10 0.5 5.6 --cooks 3..6 --vat-size 5..10";

  const json cheap_vat = document_of(grid + " --cost cook=10,vat=0.1").at("cheapest");
  const json cheap_cook = document_of(grid + " --cost cook=0.1 --cost fries=10").at("cheapest");

  CHECK(cheap_vat.at("places").at("cook") <= cheap_cook.at("places").at("cook"));
  CHECK(cheap_vat.at("cost") != cheap_cook.at("cost"));
}

TEST_CASE("perf_test plan: exits with 3 if no configuration meets the goals") {
  const Ended ended = perf("plan 10 0.5 5 --cooks 1..3");

  CHECK(ended.exit_code == 3);
  CHECK(contains(ended.output, "None does."));
  CHECK(document_of("plan 10 0.5 5 --cooks 1..3", 3).at("cheapest").is_null());
}

TEST_CASE("perf_test plan: Ctrl-C leaves what was found until then, and exits with 130") {
  const Ended ended = run_program(
      "timeout --preserve-status --signal=INT 1 "
      "apps/perf_test plan 3000 0.5 5 --cooks 1..100 --soda-machines 1..100 --vat-size 1..100");

  CHECK(ended.exit_code == 130);
  CHECK(contains(ended.output, "stopped: what follows is of what was tried until then\n"));
  CHECK(contains(ended.output, " of 1000000 configurations tried"));
}

TEST_CASE("perf_test plan: a bar shows how far it is, on a terminal only") {
  const std::string command = "plan 10 0.5 5 --cooks 3..6 --vat-size 5..8 --soda-machines 2";

  CHECK(contains(on_terminal("apps/perf_test " + command).output, "=] 32 of 32 steps"));
  CHECK_FALSE(contains(perf(command).output, "steps"));
}

TEST_CASE("perf_test plan: any scenario's counts can vary") {
  const std::string shop = scratch("shop.json");
  std::ofstream(shop) << R"({"stations": [
    {"name": "web", "kind": "semaphore", "count": 1, "time": "20ms", "cost": 3},
    {"name": "ids", "kind": "batch", "batch": 1, "time": "50ms", "unit": "id", "cost": 0.5}]})";

  const json plan = document_of(
      "plan 200 --rate 100/s --slo 'p99<=60ms' --set web=1..4 --set id=1..8 --set ids.count=1..2 "
      "--scenario " +
      shop);

  CHECK(plan.at("configurations") == 64);
  CHECK(plan.at("cheapest").at("places").at("web") == 2);
  const json ids = plan.at("cheapest").at("places");
  CHECK(ids.at("id").get<int>() * ids.at("ids.count").get<int>() >= 5);
}

TEST_CASE("perf_test compare: two configurations under the same load") {
  const Ended ended = perf("compare 2022 2022:soda=2,cook=6,vat=8 100 0.5 5 --slo 'all<5s'");

  CHECK(ended.exit_code == 0);
  CHECK(
      contains(ended.output, "with B 97 clients are served sooner, 0 later, 3 in the same time\n"));
  CHECK(perf("compare solution 2022 100 0.5 5 --slo 'all<5s'").exit_code == 3);
  const json document = document_of("compare 2022 solution 50 5 --rate 2/s --arrivals poisson");
  for (int i = 0; i < 50; ++i)
    CHECK(document.at("a").at("clients").at(i).at("arrival_s") ==
          document.at("b").at("clients").at(i).at("arrival_s"));
}

TEST_CASE("perf_test real: puts the load on an echo server, and judges it by the goals") {
  EchoServer server;
  const std::string connect = "real --connect 127.0.0.1:" + server.port();

  const json document = document_of(connect + " 50 10 --rate 200/s --slo 'satisfied>=99%'");
  CHECK(document.at("clock") == "real");
  CHECK(document.at("requests") == 50);
  CHECK(document.at("satisfied") == 50);
  CHECK(document.at("failed") == 0);
  CHECK(document.at("elapsed_s") > 0.245);
  CHECK(document.at("goals").at(0).at("met") == true);
  CHECK(document_of(connect + " 20 10 --closed 4 --message 'Hello, world'").at("satisfied") == 20);
  CHECK(perf(connect + " 3 10 --rate 100/s --slo 'p50<1us' --quiet").exit_code == 3);
}

TEST_CASE("perf_test real: a slow server is as slow as it is said to be, and so is the model") {
  EchoServer server("--delay 200ms");
  const std::string alike = scratch("server.json");
  std::ofstream(alike) << R"({"stations": [
    {"name": "server", "kind": "semaphore", "count": 1000, "time": "200ms"}]})";

  const json real = document_of("real --connect 127.0.0.1:" + server.port() + " 10 5 --rate 50/s");
  const json model = document_of("10 5 --rate 50/s --scenario " + alike);

  CHECK(model.at("service_s").at("max") == 0.2);
  CHECK(real.at("service_s").at("min") >= 0.2);
  CHECK(real.at("satisfied") == model.at("satisfied"));
}

TEST_CASE("perf_test real: who is not answered has failed, and nobody served is an error") {
  SocketAddress address;
  {
    EchoServer server("--delay 1h");
    address = server.address();
    const Ended ended =
        perf("real --connect 127.0.0.1:" + server.port() + " 3 1 --rate 100/s --give-up 50ms");
    CHECK(ended.exit_code == 1);
    CHECK(contains(ended.output, "note: 3 failed, the first one: "));
    CHECK(contains(ended.output, "nobody was served"));
  }
  wait_until_refused(address);

  const Ended ended =
      perf("real --connect 127.0.0.1:" + std::to_string(address.port()) + " 3 1 --rate 100/s");
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "Connection refused"));
}

TEST_CASE("perf_test: colours are for terminals, unless NO_COLOR is set") {
  const std::string missed = "apps/perf_test 10 1 5 --quiet --slo \"p95<4s\"";

  CHECK(contains(on_terminal(missed).output, "\033[31mmissed\033[0m"));
  CHECK_FALSE(contains(on_terminal("NO_COLOR=1 " + missed).output, "\033["));
  CHECK_FALSE(contains(run_program(missed).output, "\033["));
}

TEST_CASE("perf_test: pictures go to files, and a file that cannot be written is an error") {
  const std::string path = scratch("p.");
  CHECK(perf("10 1 5 --quiet --svg " + path + "svg --html " + path + "html --trace-json " + path +
             "json")
            .exit_code == 0);
  const auto read = [&](const char* ending) {
    std::ifstream file(path + ending);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  CHECK(contains(read("svg"), "</svg>"));
  CHECK(contains(read("html"), "10 of 10 clients satisfied"));
  CHECK(json::parse(read("json")).contains("traceEvents"));
  CHECK(contains(perf("10 1 5 --gantt").output, "\nfries         ["));

  const Ended ended = perf("10 1 5 --svg /no/such/folder/p.svg");
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "'/no/such/folder/p.svg' could not be written"));
}

TEST_CASE("perf_test plan, compare, real: bad usage exits with 2 and names the argument") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"plan 10 0.5 5", "--set: nothing varies"},
      {"plan 10 --rate 2/s --cooks 1..2", "--slo: there is no goal"},
      {"plan 10 0.5 5 --cooks 2..1", "--cooks: '2..1'; accepted is the lesser first"},
      {"plan 10 0.5 5 --cooks 1..x", "--cooks: 'x'; accepted is a whole number"},
      {"plan 10 0.5 5 --cooks 1..2 --cost cook", "--cost: 'cook'; accepted is NAME=NUMBER"},
      {"plan 10 0.5 5 --cooks 1..2 --cost cook=-1", "--cost: 'cook=-1'; accepted is NAME=NUMBER"},
      {"plan 10 0.5 5 --cooks 1..2 --cost waiter=1", "--cost: there is no station 'waiter'"},
      {"compare 2022", "B is required"},
      {"compare 2022 no.json 10 0.5 5", "B: 'no.json' cannot be read"},
      {"compare 2022 2022:cook=0 10 0.5 5", "B: '0'; accepted is a whole number"},
      {"compare 2022 2022:waiter=1 10 0.5 5", "B: 'waiter'; accepted are soda"},
      {"real 10 0.5 5", "--connect is required"},
      {"real --connect here 10 0.5 5", "--connect: 'here'; accepted is HOST:PORT"},
      {"real --connect here:0 10 0.5 5", "--connect: 'here:0'; accepted is HOST:PORT"},
      {"real --connect here:1 10 0.5 5 --message ''", "--message: ''; accepted is some text"},
      {"real --connect here:1 10 0.5 5 --slo 'max queue a<1'", "there is no station 'a'"},
  };

  for (const auto& [arguments, error] : cases) {
    CAPTURE(arguments);
    const Ended ended = perf(arguments);
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(contains(ended.output, error));
  }
}

}  // namespace
}  // namespace brigade
