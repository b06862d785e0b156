// Drives the real program, as a shell does.
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/tests/support/scratch.h"
#include "doctest/doctest.h"
#include "nlohmann/json.hpp"

namespace {

using nlohmann::json;

struct Ended {
  int exit_code;  // -1 if a signal killed it
  std::string output;
};

Ended shell(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen failed: " + command);
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

std::string output_of(const std::string& arguments) {
  const Ended ended = shell("apps/perf_test " + arguments + " 2>/dev/null");
  CHECK(ended.exit_code == 0);
  return ended.output;
}

std::string errors_of(const std::string& arguments, int exit_code) {
  const Ended ended = shell("apps/perf_test " + arguments + " 2>&1 >/dev/null");
  CHECK(ended.exit_code == exit_code);
  return ended.output;
}

json document_of(const std::string& arguments) {
  return json::parse(output_of(arguments + " --json"));
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<double> services(const json& document) {
  std::vector<double> values;
  for (const json& client : document.at("clients")) values.push_back(client.at("service_s"));
  return values;
}

TEST_CASE("perf_test: the tutorial's runs end in its lines") {
  CHECK(ends_with(output_of("10 1 5"), "\n10/10 clients satisfied\n"));
  CHECK(ends_with(output_of("10 0.5 5"), "\n5/10 clients satisfied\n"));
  CHECK(ends_with(output_of("1000 0.5 5"), "\n5/1000 clients satisfied\n"));
  CHECK(ends_with(output_of("10 500ms 5s --soda-machines 2 --cooks 6 --vat-size 8"),
                  "\n10/10 clients satisfied\n"));
}

TEST_CASE("perf_test: --json is one document, and has at least these members") {
  const json client_1 = {{"name", "client_1"}, {"arrival_s", 0.0}, {"soda_s", 1.0},
                         {"burger_s", 3.0},    {"fries_s", 4.0},   {"service_s", 4.0},
                         {"satisfied", false}};
  const json client_2 = {{"name", "client_2"}, {"arrival_s", 0.5}, {"soda_s", 1.5},
                         {"burger_s", 3.0},    {"fries_s", 3.5},   {"service_s", 3.5},
                         {"satisfied", true}};
  const json expected = {
      {"clock", "virtual"},
      {"mode", "constrained"},
      {"restaurant",
       {{"soda_machines", 1},
        {"soda_time_s", 1.0},
        {"cooks", 3},
        {"burger_time_s", 3.0},
        {"vat_size", 5},
        {"fries_time_s", 4.0}}},
      {"timeout_s", 4.0},
      {"requests", 2},
      {"satisfied", 1},
      {"elapsed_s", 4.0},
      {"service_s",
       {{"min", 3.5},
        {"mean", 3.75},
        {"max", 4.0},
        {"p50", 3.5},
        {"p90", 4.0},
        {"p95", 4.0},
        {"p99", 4.0}}},
      {"clients", json::array({client_1, client_2})},
  };

  json merged = document_of("2 0.5 4");
  const json document = merged;
  merged.merge_patch(expected);

  CHECK(merged == document);
}

TEST_CASE("perf_test: --json has what each station did, and what the load needs of it") {
  const json document = document_of("10 0.5 5");

  const json fries = document.at("stations").at(2);
  CHECK(fries.at("name") == "fries");
  CHECK(fries.at("batch") == 5);
  CHECK(fries.at("capacity_per_s") == 1.25);
  CHECK(fries.at("load") == 1.6);
  CHECK(fries.at("needed") == 8);
  CHECK(fries.at("unstable") == true);
  CHECK(fries.at("max_queue") == 7);
  CHECK(fries.at("mean_wait_s") == 2.95);
  CHECK(document.at("stations").at(1).at("needed") == 6);
  CHECK(document.at("bottleneck") == "soda");
  CHECK(document.at("unstable") == true);
  CHECK(document.at("service_s").at("p99.9") == 7.5);
  CHECK(document.at("little_residual") == 0.0);
  CHECK(document.at("failed") == 0);
}

TEST_CASE("perf_test: numbers are exact to the nanosecond") {
  const std::string text = output_of("2 5 4 --arrivals 1234567.000000001,0 --json");

  CHECK(contains(text, "\"arrival_s\":1234567.000000001,"));
  CHECK(contains(text, "\"elapsed_s\":1234570.000000001,"));
}

TEST_CASE("perf_test: two runs on the virtual clock are equal to the byte") {
  CHECK(output_of("200 0.3 5 --json") == output_of("200 0.3 5 --json"));
}

TEST_CASE("perf_test: who waits exactly the timeout is satisfied with --inclusive") {
  CHECK(document_of("1 1 4").at("satisfied") == 0);
  CHECK(document_of("1 1 4 --inclusive").at("satisfied") == 1);
}

TEST_CASE("perf_test: options depart from the preset wherever they stand") {
  const json before = document_of("2 1 5 --fries-time 1 --preset 2015").at("restaurant");

  CHECK(before == document_of("2 1 5 --preset 2015 --fries-time 1").at("restaurant"));
  CHECK(before.at("fries_time_s") == 1.0);
  CHECK(before.at("burger_time_s") == 4.0);
  CHECK(before.at("soda_time_s") == 2.0);
}

TEST_CASE("perf_test: a list of arrivals replaces PERIOD, which may be left out") {
  CHECK(document_of("3 5 --arrivals 0,1,2 --json") == document_of("3 1 5 --json"));
}

TEST_CASE("perf_test: the opening story, with arrivals in any order") {
  const std::string story = "2 1 100 --burger-time 1m --fries-time 120 --soda-time 30s ";

  const json together = document_of(story + "--arrivals 30,0");
  CHECK(together.at("clients").at(1).at("arrival_s") == 30.0);
  CHECK(services(together) == std::vector<double>{120, 90});
  const json in_turn = document_of(story + "--arrivals 0,30 --mode sequential");
  CHECK(in_turn.at("mode") == "sequential");
  CHECK(services(in_turn) == std::vector<double>{210, 390});
}

TEST_CASE("perf_test: without constraints nobody waits for another") {
  const json document = document_of("10 0 5 --mode unconstrained");

  CHECK(document.at("mode") == "unconstrained");
  CHECK(services(document) == std::vector<double>(10, 4.0));
}

TEST_CASE("perf_test: --trace prints the lines of the preset before the table") {
  CHECK(output_of("1 1 5 --trace").rfind("=> Commande passée par client_1\n", 0) == 0);
  CHECK(output_of("1 1 5 --trace --preset 2015")
            .rfind("Préparation de la commande de client_1\n", 0) == 0);
}

TEST_CASE("perf_test: --verbose says what the loop asks the kernel by") {
  CHECK(errors_of("1 1 5 --verbose", 0) == "virtual clock: asks the kernel for nothing\n");
  CHECK(errors_of("1 1 5 --clock real --speed 1000 --verbose", 0).rfind("io_uring: ", 0) == 0);
  CHECK(document_of("3 1 5 --verbose") == document_of("3 1 5"));
}

TEST_CASE("perf_test: --trace leaves the JSON document alone") {
  CHECK(document_of("3 1 5 --trace") == document_of("3 1 5"));
  CHECK(contains(errors_of("3 1 5 --trace --json", 0), "<= client_3 servi en 0:00:03\n"));
}

TEST_CASE("perf_test: the real clock serves everybody and counts as it reports") {
  const json document = document_of("10 1 5 --clock real --speed 1000");

  CHECK(document.at("clock") == "real");
  CHECK(document.at("requests") == 10);
  REQUIRE(document.at("clients").size() == 10);
  int satisfied = 0;
  for (const json& client : document.at("clients")) {
    CHECK(client.at("satisfied") == (client.at("service_s") < 5.0));
    satisfied += client.at("satisfied") ? 1 : 0;
    CHECK(client.at("service_s") >= 3.0);
  }
  CHECK(document.at("satisfied") == satisfied);
}

TEST_CASE("perf_test: on the real clock, who is on the edge is warned of") {
  const std::string warning = "within 1 ms (of real time) of the timeout";

  // Served in less than 1 ms of real time, unless the machine is busy.
  const std::string output =
      shell("apps/perf_test 1 1 8ms --clock real --fries-time 8ms --speed 1e6 --json 2>&1").output;
  const double took = services(json::parse(output.substr(output.find('{')))).at(0);
  CHECK(contains(output, warning) == (took <= 1000.008));
  CHECK_FALSE(contains(errors_of("1 1 1h --clock real --fries-time 8ms --speed 1000", 0), warning));
  CHECK_FALSE(contains(errors_of("1 1 4", 0), warning));
}

TEST_CASE("perf_test: a station that cannot keep up is named") {
  CHECK(errors_of("10 1 5", 0) == "");
  CHECK(errors_of("10 500ms 5 --soda-machines 2 --cooks 6", 0) ==
        "note: the vat fries 1.25 a second but 2 arrive: the queue grows without bound\n");
  CHECK(contains(errors_of("2 1 5 --mode sequential", 0), "the server makes 0.125 a second"));
  CHECK(errors_of("10 500ms 5 --mode unconstrained", 0) == "");
}

TEST_CASE(
    "perf_test: a rate, a duration, a pattern or users may stand for the positional arguments") {
  CHECK(document_of("10 5 --rate 2/s") == document_of("10 0.5 5"));
  CHECK(document_of("5 --rate 2/s --duration 5s") == document_of("10 0.5 5"));
  CHECK(document_of("10 5 --rate 2 --arrivals uniform") == document_of("10 0.5 5"));
  CHECK(document_of("4 5 --rate 2/s --arrivals burst:2").at("clients").at(3).at("arrival_s") ==
        1.0);
  CHECK(document_of("3 5 --arrivals ramp:2/s..2/s").at("clients") ==
        document_of("3 0.5 5").at("clients"));
  const json poisson = document_of("100 5 --rate 1/s --arrivals poisson --seed 7");
  CHECK(poisson == document_of("100 1 5 --arrivals poisson --seed 7"));
  CHECK(poisson != document_of("100 1 5 --arrivals poisson --seed 8"));
  const json closed = document_of("20 5 --closed 2 --think 1s");
  CHECK(closed.at("requests") == 20);
  CHECK(closed.at("satisfied") == 20);
  CHECK(document_of("10 --rate 2/s").at("timeout_s").is_null());
}

TEST_CASE("perf_test: goals decide the exit code") {
  CHECK(shell("apps/perf_test 10 1 5 --slo 'p95<5s' --slo 'max queue burger<1'").exit_code == 0);
  const Ended missed = shell("apps/perf_test 10 1 5 --slo 'p95<5s' --slo 'p95<4s' --quiet");
  CHECK(missed.exit_code == 3);
  CHECK(missed.output ==
        "goal p95<5s: met (4.0s)\ngoal p95<4s: missed (4.0s)\n10/10 clients satisfied\n");
  CHECK(shell("apps/perf_test 10 1 5 --json --slo 'satisfied>=99%'").exit_code == 0);
  CHECK(shell("apps/perf_test 10 0.5 5 --csv --slo 'satisfied>=99%' 2>&1").exit_code == 3);
}

TEST_CASE("perf_test: a scenario file says what the service is made of") {
  const std::string shop = brigade::scratch("shop.json");
  std::ofstream(shop) << R"({"name": "a \"shop\"", "stations": [
    {"name": "web", "kind": "semaphore", "count": 2, "time": "20ms"},
    {"name": "db", "kind": "lock", "time": "5ms"}],
    "orders": [{"name": "read", "sequence": ["web", "db"]}, {"name": "ping", "parallel": ["web"]}]})";

  const json document = document_of("100 1 --rate 50/s --scenario " + shop);
  CHECK(document.at("scenario") == "a \"shop\"");
  CHECK(document.at("requests") == 100);
  CHECK_FALSE(document.contains("restaurant"));
  int reads = 0;
  for (const json& client : document.at("clients")) {
    CHECK(client.contains("db_s") == (client.at("order") == "read"));
    reads += client.contains("db_s") ? 1 : 0;
  }
  CHECK(reads > 30);
  CHECK(reads < 70);
  CHECK(document_of("100 1 --rate 50/s --set web=9 --scenario " + shop)
            .at("stations")
            .at(0)
            .at("count") == 9);
  CHECK(contains(output_of("100 1 --rate 50/s --scenario " + shop), "order  satisfied\n"));
  CHECK(contains(output_of("2 1 --rate 50/s --trace --scenario " + shop),
                 "client_1 web: started after 0.0 s\n"));
  std::ofstream(shop) << "{\n\"stations\": 3}";
  CHECK(contains(errors_of("10 1 5 --scenario " + shop, 2),
                 "shop.json:2: stations: accepted is a list"));
}

TEST_CASE("perf_test: the tutorial's solution serves two clients a second within 4 s") {
  for (const char* clients : {"10", "100", "1000"}) {
    const Ended ended = shell(std::string("apps/perf_test ") + clients +
                              " 0.5 5 --preset solution --quiet --slo 'all<=4s'");
    CHECK(ended.exit_code == 0);
  }
}

TEST_CASE("perf_test: a million clients are served") {
  CHECK(output_of("1000000 1 5 --quiet") == "1000000/1000000 clients satisfied\n");
}

TEST_CASE("perf_test: output has no colours where it is no terminal") {
  CHECK_FALSE(contains(output_of("10 0.5 5 --slo 'p95<4s' || true"), "\033"));
}

TEST_CASE("perf_test: bad usage exits with 2 and names the argument and what is accepted") {
  const std::string count = "accepted is a whole number from 1 to 1";
  const std::string duration = "accepted are seconds (0.5) or a unit";
  const std::vector<std::vector<std::string>> cases{
      {"", "NB_REQUESTS is required"},
      {"10 1", "TIMEOUT is required"},
      {"0 1 5", "NB_REQUESTS: '0'; " + count},
      {"-1 1 5", "NB_REQUESTS: '-1'; " + count},
      {"ten 1 5", "NB_REQUESTS: 'ten'; " + count},
      {"1.5 1 5", "NB_REQUESTS: '1.5'; " + count},
      {"'' 1 5", "NB_REQUESTS: ''; " + count},
      {"10000001 1 5", "NB_REQUESTS: '10000001'; " + count},
      {"99999999999999999999 1 5", "NB_REQUESTS: '99999999999999999999'; " + count},
      {"10 -1 5", "PERIOD: '-1' is no duration; " + duration},
      {"10 nan 5", "PERIOD: 'nan' is no duration; " + duration},
      {"10 1 inf", "TIMEOUT: 'inf' is no duration; " + duration},
      {"10 1 9999999999999", "TIMEOUT: '9999999999999' is over 292 years; " + duration},
      {"10 1 5 6", "not expected: 6"},
      {"10 1 5 --preset 2023", "--preset: 2023 not in {2022,2015,solution}"},
      {"10 1 5 --mode fast", "--mode: fast not in {constrained,unconstrained,sequential}"},
      {"10 1 5 --clock wall", "--clock: wall not in {virtual,real}"},
      {"10 1 5 --soda-machines 0", "--soda-machines: '0'; " + count},
      {"10 1 5 --cooks -3", "--cooks: '-3'; " + count},
      {"10 1 5 --vat-size 1e9", "--vat-size: '1e9'; " + count},
      {"10 1 5 --soda-time x", "--soda-time: 'x' is no duration; " + duration},
      {"10 1 5 --burger-time -1", "--burger-time: '-1' is no duration; " + duration},
      {"10 1 5 --fries-time 1.5ns",
       "--fries-time: '1.5ns' is finer than a nanosecond; " + duration},
      {"10 1 5 --speed 0", "--speed: '0'; accepted is a number above 0, at most 1000000"},
      {"10 1 5 --speed nan", "--speed: 'nan'; accepted is"},
      {"10 1 5 --speed 1e7", "--speed: '1e7'; accepted is"},
      {"10 1 5 --arrivals 0,1", "--arrivals: 2 given; accepted are as many as NB_REQUESTS, 10"},
      {"2 1 5 --arrivals 0,", "--arrivals: '' is no duration; " + duration},
      {"2 1 5 --arrivals 0,x", "--arrivals: 'x' is no duration; " + duration},
      {"10 --rate 0/s", "--rate: '0/s'; accepted is a number above 0"},
      {"10 1 5 --rate 2/s", "--rate: PERIOD is given too; accepted is one"},
      {"10", "PERIOD is required"},
      {"--rate 2/s", "NB_REQUESTS is required"},
      {"10 5 --rate 2/s --arrivals 0,1", "--rate: --arrivals says it too"},
      {"10 5 --closed 1 --soda-time 0 --burger-time 0 --fries-time 0", "--closed: its users"},
      {"10 5 --think 1s", "--think requires --closed"},
      {"10 1 5 --closed 2", "PERIOD: --closed and ramps have none"},
      {"10 1 5 --arrivals ramp:1..2", "PERIOD: --closed and ramps have none"},
      {"10 5 --closed 0", "--closed: '0'; " + count},
      {"10 5 --closed 2 --arrivals poisson", "--closed: has no --arrivals"},
      {"10 1 5 --arrivals burst:0", "--arrivals: 'burst:0'; accepted is burst:"},
      {"10 1 5 --slo p95", "--slo: 'p95'; accepted are METRIC"},
      {"10 1 5 --slo 'max queue bar<1'", "--slo: 'max queue bar<1': there is no station 'bar'"},
      {"10 1 5 --set cook", "--set: 'cook'; accepted is NAME=COUNT"},
      {"10 1 5 --set cook=0", "--set: '0'; " + count},
      {"10 1 5 --set cook=1..2", "--set: '1..2'; " + count},
      {"10 1 5 --set waiter=1", "--set: 'waiter'; accepted are soda, burger (cook), fries (vat)"},
      {"10 1 5 --scenario /no/file", "--scenario: '/no/file' cannot be read"},
      {"10 1 5 --json --csv", "excludes"},
      {"10 1 5 --bogus", "not expected: --bogus"},
      {"10000000 1h 5", "NB_REQUESTS, PERIOD, --arrivals, --speed and the preparation times"},
      {"1 1 5 --speed 1e-300 --clock real", "accepted is less"},
  };

  for (const auto& bad : cases) {
    CAPTURE(bad[0]);
    const std::string errors = errors_of(bad[0], 2);
    CAPTURE(errors);
    CHECK(contains(errors, bad[1]));
  }
}

TEST_CASE("perf_test: --help names every argument and exits with 0") {
  const std::string help = output_of("--help");

  for (const char* name : {"NB_REQUESTS",
                           "PERIOD",
                           "TIMEOUT",
                           "--preset",
                           "--soda-machines",
                           "--soda-time",
                           "--cooks",
                           "--burger-time",
                           "--vat-size",
                           "--fries-time",
                           "--mode",
                           "--clock",
                           "--speed",
                           "--arrivals",
                           "--inclusive",
                           "--trace",
                           "--verbose",
                           "--json",
                           "--csv",
                           "--quiet",
                           "--rate",
                           "--duration",
                           "--closed",
                           "--think",
                           "--seed",
                           "--slo",
                           "--scenario",
                           "--set",
                           "coordinated omission"}) {
    CHECK(contains(help, name));
  }
}

TEST_CASE("perf_test: a report that cannot be written exits with 1") {
  const Ended ended = shell("apps/perf_test 10 1 5 2>&1 >/dev/full");

  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.output, "the report could not be written"));
}

}  // namespace
