// BatchCache: gets, cancels, invalidations, failures and the passing of time in random order.
#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

struct Item {
  std::size_t number;
  TimePoint arrival;
  int epoch;  // in which the refill that brought it began: invalidations so far
};

struct World {
  explicit World(std::uint32_t seed) : random(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); }

  std::mt19937 random;
  std::vector<bool> taken = {};  // Per item that a refill delivered.
  std::size_t handed_out = 0;
  int epoch = 0;
  int refills_running = 0;
  int errors = 0;
  int broken = 0;
};

struct Running {
  explicit Running(World& world) : count(world.refills_running) { ++count; }
  ~Running() { --count; }
  int& count;
};

Task<std::vector<Item>> refill(World& world, std::size_t size) {
  const Running running(world);
  if (world.refills_running > 1) ++world.broken;
  const int epoch = world.epoch;
  if (world.below(3) > 0) co_await sleep(Nanoseconds(world.below(5)));
  if (world.below(8) == 0) throw std::runtime_error("out of oil");
  if (world.below(16) == 0) throw Cancelled();
  std::vector<Item> batch;
  const auto count = world.below(static_cast<int>(2 * size));  // Empty, short or long.
  for (int i = 0; i < count; ++i) {
    batch.push_back(Item{world.taken.size(), Loop::current().now(), epoch});
    world.taken.push_back(false);
  }
  co_return batch;
}

Task<void> get(World& world, BatchCache<Item>& cache, Nanoseconds time_to_live) {
  const int epoch = world.epoch;
  const bool at_hand = cache.available() > 0;
  try {
    const Item item = co_await cache.get();
    if (world.taken[item.number]) ++world.broken;
    world.taken[item.number] = true;
    ++world.handed_out;
    if (item.epoch < epoch) ++world.broken;
    if (at_hand && Loop::current().now() - item.arrival >= time_to_live) ++world.broken;
  } catch (const std::runtime_error&) {
    ++world.errors;
    if (at_hand) ++world.broken;
  }
}

Task<void> live(World& world, BatchCache<Item>& cache, Nanoseconds time_to_live) {
  std::vector<TaskHandle<void>> getters;
  for (int i = 0; i < 3000; ++i) {
    const int what = world.below(20);
    if (what < 12) {
      getters.push_back(spawn(get(world, cache, time_to_live)));
    } else if (what < 15 && !getters.empty()) {
      const auto count = static_cast<int>(getters.size());
      getters[static_cast<std::size_t>(count - 1 - world.below(std::min(count, 5)))].cancel();
    } else if (what == 15) {
      ++world.epoch;
      cache.invalidate();
    } else if (what == 16) {
      co_await sleep(Nanoseconds(world.below(10)));
    } else {
      co_await yield_now();
    }
    // An item at hand implies that no one waits.
    if (cache.available() > 0 && cache.to_string().find(" 0 waiting") == std::string::npos)
      ++world.broken;
  }
  for (const TaskHandle<void>& getter : getters) co_await wait_done(getter);
  co_await sleep(Nanoseconds(100));  // What refills in the background ends.
}

TEST_CASE("BatchCache: whatever happens, an item is handed out once, or discarded [B-03][B-07]") {
  run_async([]() -> Task<void> {
    World world(test_seed());
    for (int round = 0; round < 30; ++round) {
      BatchCacheOptions options(static_cast<std::size_t>(1 + world.below(5)));
      options.low_water =
          static_cast<std::size_t>(world.below(static_cast<int>(options.batch_size) + 1));
      if (world.below(2) == 0) options.time_to_live = Nanoseconds(1 + world.below(8));
      const Nanoseconds time_to_live = options.time_to_live;
      BatchCache<Item> cache(std::move(options),
                             [&](std::size_t size) { return refill(world, size); });
      const std::size_t delivered = world.taken.size();
      const std::size_t handed_out = world.handed_out;

      co_await live(world, cache, time_to_live);

      CHECK(world.broken == 0);
      CHECK(world.refills_running == 0);
      CHECK(world.taken.size() - delivered ==
            world.handed_out - handed_out + cache.available() + cache.statistics().discarded);
    }
    CHECK(world.handed_out > 0);
    CHECK(world.errors > 0);
  });
}

}  // namespace
}  // namespace brigade
