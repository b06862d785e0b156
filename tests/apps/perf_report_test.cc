#include "brigade/apps/perf_report.h"

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

std::vector<Visit> visits_of(const std::vector<Nanoseconds>& services) {
  std::vector<Visit> visits;
  for (const Nanoseconds service : services) visits.push_back({.service = service});
  return visits;
}

std::vector<Nanoseconds> one_to(int n) {
  std::vector<Nanoseconds> values;
  for (int i = 1; i <= n; ++i) values.push_back(Nanoseconds(i));
  return values;
}

TEST_CASE("Report: a percentile is the value of the nearest rank, never between two") {
  CHECK(nearest_rank(one_to(1), 1) == 1ns);
  CHECK(nearest_rank(one_to(1), 99) == 1ns);
  CHECK(nearest_rank(one_to(5), 30) == 2ns);
  CHECK(nearest_rank(one_to(5), 40) == 2ns);
  CHECK(nearest_rank(one_to(5), 50) == 3ns);
  CHECK(nearest_rank(one_to(10), 50) == 5ns);
  CHECK(nearest_rank(one_to(10), 90) == 9ns);
  CHECK(nearest_rank(one_to(10), 95) == 10ns);
  CHECK(nearest_rank(one_to(100), 99) == 99ns);
  CHECK(nearest_rank(one_to(101), 99) == 100ns);
  CHECK(nearest_rank(one_to(100), 100) == 100ns);
}

TEST_CASE("Report: the summary does not depend on the order of the clients") {
  const auto visits = visits_of({9ns, 1ns, 10ns, 2ns, 8ns, 3ns, 7ns, 4ns, 6ns, 5ns});

  const Summary summary = summarize(visits, {.timeout = 5ns});

  CHECK(summary.min == 1ns);
  CHECK(summary.max == 10ns);
  CHECK(summary.p50 == 5ns);
  CHECK(summary.p90 == 9ns);
  CHECK(summary.p95 == 10ns);
  CHECK(summary.p99 == 10ns);
  CHECK(summary.satisfied == 4);
}

TEST_CASE("Report: the mean is rounded to the nearest nanosecond and cannot overflow") {
  CHECK(summarize(visits_of({1ns, 1ns, 2ns}), {}).mean == 1ns);
  CHECK(summarize(visits_of({1ns, 2ns, 2ns}), {}).mean == 2ns);
  const Nanoseconds longest = Nanoseconds::max();
  CHECK(summarize(visits_of({longest, longest, longest}), {}).mean == longest);
}

TEST_CASE("Report: who waits exactly the timeout is satisfied only if it is inclusive") {
  CHECK(Target{5s, false}.satisfied_by(5s - 1ns));
  CHECK_FALSE(Target{5s, false}.satisfied_by(5s));
  CHECK(Target{5s, true}.satisfied_by(5s));
  CHECK_FALSE(Target{5s, true}.satisfied_by(5s + 1ns));
}

TEST_CASE("Report: elapsed is the last completion, not that of the last client") {
  const std::vector<Visit> visits{{.arrival = 0s, .service = 9s}, {.arrival = 5s, .service = 3s}};

  CHECK(summarize(visits, {}).elapsed == 9s);
}

TEST_CASE("Report: the table folds past 50 clients and says how many it leaves out") {
  std::ostringstream fifty, thousand;
  print_table(fifty, {}, visits_of(one_to(50)));
  print_table(thousand, {}, visits_of(one_to(1000)));

  const std::string all = fifty.str(), folded = thousand.str();
  CHECK(all.find("more") == std::string::npos);
  CHECK(all.find("client_25 ") != std::string::npos);
  CHECK(folded.find("client_20 ") != std::string::npos);
  CHECK(folded.find("client_21 ") == std::string::npos);
  CHECK(folded.find("\n... 960 more\n") != std::string::npos);
  CHECK(folded.find("client_980 ") == std::string::npos);
  CHECK(folded.find("client_981 ") != std::string::npos);
  CHECK(folded.find("client_1000 ") != std::string::npos);
}

}  // namespace
}  // namespace brigade::apps
