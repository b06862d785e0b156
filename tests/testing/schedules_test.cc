#include "brigade/testing/schedules.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

LoopOptions ordered(std::function<std::size_t(std::size_t)> order) {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  options.pick_ready = std::move(order);
  return options;
}

Task<void> log_twice(std::string& log, char letter) {
  log += letter;
  co_await yield_now();
  log += letter;
}

// Spawns and forgets, so that nothing but the tasks themselves is scheduled.
std::string interleave(std::function<std::size_t(std::size_t)> order, const std::string& letters) {
  std::string log;
  Loop loop(ordered(std::move(order)));
  for (const char letter : letters) loop.spawn(log_twice(log, letter));
  loop.run_until_idle();
  return log;
}

TEST_CASE("Schedules: enumerates every interleaving once") {
  Schedules schedules;
  std::multiset<std::string> seen;
  while (schedules.next()) seen.insert(interleave(schedules.order(), "abc"));

  CHECK(schedules.count() == 90);  // 6! / 2!^3
  CHECK(seen.size() == 90);
  CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == 90);
}

TEST_CASE("Schedules: enumerates what the program decides itself") {
  Schedules schedules;
  std::vector<std::string> seen;
  while (schedules.next()) {
    const std::size_t first = schedules.pick(3);
    if (first == 1) schedules.pick(2);
    schedules.pick(1);  // No decision.
    seen.push_back(schedules.to_string());
  }

  CHECK(seen == std::vector<std::string>{"0", "1 0", "1 1", "2"});
}

TEST_CASE("Schedules: a program without decisions has one") {
  Schedules schedules;
  int runs = 0;
  while (schedules.next()) ++runs;

  CHECK(runs == 1);
  CHECK(schedules.to_string() == "");
}

TEST_CASE("Schedules: a program that does not repeat itself is a broken check") {
  check_dies(
      [] {
        Schedules schedules;
        for (std::size_t n = 2; schedules.next(); ++n) schedules.pick(n);
      },
      "a program does not do the same");
  check_dies(
      [] {
        Schedules schedules;
        while (schedules.next())
          if (schedules.count() == 1) schedules.pick(2);
      },
      "a program does not do the same");
}

TEST_CASE("seeded_order: the same seed runs the same way, others differently") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::string order = interleave(seeded_order(seed), "abcd");
    CHECK(order == interleave(seeded_order(seed), "abcd"));
    orders.insert(order);
  }

  CHECK(orders.size() > 25);
}

}  // namespace
}  // namespace brigade
