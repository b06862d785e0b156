// BatchCache while memory runs out.
#include <memory>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/tests/failures/every_allocation.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using Plan = FailNth::Plan;
using Cache = BatchCache<std::string>;

void fail_every(Scenario scenario, const std::vector<std::string>& documented = {}) {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  fail_every_allocation(scenario, options, documented);
}

std::string fries() { return std::string(100, 'f'); }

Task<std::vector<std::string>> fry(std::size_t count) {
  co_await yield_now();
  co_return std::vector<std::string>(count, fries());
}

Task<bool> take(std::shared_ptr<Cache> cache) {
  const std::string item = co_await cache->get();
  co_return item == fries();
}

Task<void> get_by_many(std::shared_ptr<Cache> cache) {
  std::vector<TaskHandle<bool>> takers;
  for (int i = 0; i < 7; ++i) takers.push_back(spawn(take(cache)));
  int taken = 0;
  for (const TaskHandle<bool>& taker : takers) {
    const bool right = co_await taker;
    if (right) ++taken;
  }
  expect(taken == 7, "everybody gets an item");
}

Task<void> several_batches(Plan plan) {
  const FailNth guard(plan);
  auto cache = std::make_shared<Cache>(3, &fry);
  co_await get_by_many(cache);
  expect(cache->available() == 2, "the rest of the third batch is there");
}

TEST_CASE("Out of memory: BatchCache, refilled for many [T-27]") { fail_every(&several_batches); }

Task<void> get_again(Plan plan) {
  auto cache = std::make_shared<Cache>(3, &fry);
  std::exception_ptr error;
  {
    const FailNth guard(plan);
    try {
      co_await get_by_many(cache);
    } catch (...) {
      error = std::current_exception();
    }
  }
  const bool right = co_await take(cache);
  expect(right, "the next get() tries again");
  if (error) std::rethrow_exception(error);
}

TEST_CASE("Out of memory: a BatchCache that could not refill does so for the next one [T-27]") {
  fail_every(&get_again);
}

Task<std::vector<std::string>> fry_for_nobody(std::size_t) {
  co_await yield_now();
  throw Cancelled();
}

Task<void> refill_cancelled(Plan plan) {
  auto cache = std::make_shared<Cache>(3, &fry_for_nobody);
  for (int i = 0; i < 2; ++i) {
    const FailNth guard(plan);
    const TaskHandle<bool> taker = spawn(take(cache));
    co_await wait_done(taker);
    expect(taker.status() == TaskStatus::kError, "a refill that was cancelled fails the getter");
  }
}

TEST_CASE("Out of memory: a refill that is cancelled leaves the cache usable [T-27]") {
  fail_every(&refill_cancelled);
}

Task<void> destroy_while_waited_for(Plan plan) {
  auto cache = std::make_unique<Cache>(3, &fry);
  const TaskHandle<std::string> taker = spawn([](Cache& own) -> Task<std::string> {
    std::string item = co_await own.get();
    co_return item;
  }(*cache));
  co_await yield_now();
  const FailNth guard(plan);
  cache.reset();
  co_await wait_done(taker);
  expect(taker.status() == TaskStatus::kError, "who waits is told");
  const std::string some_memory(100, 'x');
}

TEST_CASE("Out of memory: a BatchCache is destroyed while it is waited for [T-27]") {
  fail_every(&destroy_while_waited_for);
}

}  // namespace
}  // namespace brigade
