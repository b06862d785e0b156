// BatchCache while memory runs out.
#include <memory>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/sync/keyed_batch_cache.h"
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

Task<void> prefetch(Plan plan) {
  BatchCacheOptions options(3);
  options.low_water = 2;
  options.time_to_live = std::chrono::seconds(1);
  auto cache = std::make_shared<Cache>(std::move(options), &fry);
  std::string first = co_await cache->get();
  {
    const FailNth guard(plan);
    for (int i = 0; i < 2; ++i) {
      const std::string item = co_await cache->get();  // The first one starts a refill.
      expect(item.size() == 100, "a get() that finds an item has it");
    }
    for (int i = 0; i < 5; ++i) co_await yield_now();
  }
  const bool right = co_await take(cache);
  expect(right, "the next get() refills");
  expect(cache->statistics().misses <= 2, "only a refill that failed is waited for");
}

TEST_CASE("Out of memory: a BatchCache that cannot refill in the background hands out [T-27]") {
  fail_every(&prefetch);
}

using KeyedCache = KeyedBatchCache<std::string, std::string>;

Task<std::vector<std::string>> fry_for(const std::string& key, std::size_t count) {
  co_await yield_now();
  co_return std::vector<std::string>(count, key + fries());
}

Task<void> get_by_key(KeyedCache& cache, const std::string& key) {
  const std::string item = co_await cache.get(key);
  expect(item == key + fries(), "each key has its own items");
}

Task<void> several_keys(Plan plan) {
  BatchCacheOptions options(3);
  options.name = "a name that is too long to be stored in place";
  KeyedCache cache(2, std::move(options), &fry_for);
  std::exception_ptr error;
  std::size_t keys = 0;
  {
    const FailNth guard(plan);
    try {
      for (const char* key : {"a", "b", "a", "c", "b"}) {
        keys = cache.keys();
        co_await get_by_key(cache, key);
      }
    } catch (...) {
      error = std::current_exception();
    }
  }
  expect(cache.keys() >= keys && cache.keys() <= 2, "a key is lost only to another one");
  for (const char* key : {"a", "b", "c"}) co_await get_by_key(cache, key);
  if (error) std::rethrow_exception(error);
}

TEST_CASE("Out of memory: a KeyedBatchCache works on [T-27]") { fail_every(&several_keys); }

Task<void> hit(Plan plan) {
  using Numbers = std::vector<int>;
  BatchCacheOptions options(100);
  options.low_water = 10;
  options.time_to_live = std::chrono::hours(1);
  BatchCache<int> cache(options,
                        [](std::size_t count) -> Task<Numbers> { co_return Numbers(count, 1); });
  KeyedBatchCache<std::string, int> keyed(
      2, options,
      [](const std::string&, std::size_t count) -> Task<Numbers> { co_return Numbers(count, 1); });
  const std::string key = "a key that is too long to be stored in place";
  int sum = 0;
  sum += co_await cache.get();
  sum += co_await keyed.get(key);

  const FailNth guard(plan);
  for (int i = 0; i < 80; ++i) {
    sum += co_await cache.get();
    sum += co_await keyed.get(key);
  }
  expect(sum == 162, "each get() has an item");
}

TEST_CASE("BatchCache: a get() that finds an item allocates nothing") {
  Loop loop({.clock = ClockKind::kVirtual});
  loop.run_until_complete(hit({.nth = 1, .onwards = true}));
  CHECK(FailNth::failures() == 0);
}

}  // namespace
}  // namespace brigade
