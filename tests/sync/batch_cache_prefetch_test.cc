// BatchCache: refills in the background, below the low-water mark.
#include <algorithm>
#include <optional>
#include <string>

#include "brigade/runtime/sleep.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/sync/kitchen.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Sizes = std::vector<std::size_t>;

BatchCacheOptions prefetching(std::size_t batch_size, std::size_t low_water) {
  BatchCacheOptions options(batch_size);
  options.low_water = low_water;
  return options;
}

Task<void> get_many(Cache& cache, int count) {
  for (int i = 0; i < count; ++i) co_await cache.get();
}

TEST_CASE("BatchCache: a get that leaves fewer than the low-water mark starts a refill") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(5, 2), from(kitchen));

    co_await get_many(cache, 3);
    co_await turns(3);
    CHECK(kitchen.refills == 1);
    co_await get_many(cache, 1);
    CHECK(cache.available() == 1);
    co_await turns(3);
    CHECK(kitchen.refills == 2);
    co_await sleep(1s);

    CHECK(cache.available() == 6);
    CHECK(kitchen.asked == Sizes{5, 5});
    CHECK(cache.statistics().refills == 2);
    CHECK(cache.statistics().prefetches == 1);
  });
}

TEST_CASE("BatchCache: with a refill in the background no getter is delayed") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(5, 4), from(kitchen));
    co_await cache.get();

    for (int i = 1; i < 100; ++i) {
      co_await sleep(300ms);
      const TimePoint before = Loop::current().now();
      const int item = co_await cache.get();
      REQUIRE(item == i);
      REQUIRE(Loop::current().now() == before);
      REQUIRE(cache.available() < 9);
    }

    CHECK(cache.statistics().misses == 1);
    CHECK(cache.statistics().hits == 99);
  });
}

TEST_CASE("BatchCache: one that takes faster than the refill waits for it, and starts no other") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(3, 1), from(kitchen));

    co_await get_many(cache, 4);

    CHECK(Loop::current().now() == TimePoint(2s));
    CHECK(kitchen.refills == 2);
  });
}

TEST_CASE("BatchCache: items handed to those who waited count for the low-water mark too") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(3, 2), from(kitchen));
    auto getters = spawn_getters(cache, 5);

    const std::string all = co_await joined(getters);
    CHECK(cache.available() == 1);
    co_await sleep(10s);

    CHECK(all == "0 1 2 3 4 ");
    CHECK(cache.available() == 4);
    CHECK(cache.statistics().prefetches == 1);
  });
}

TEST_CASE("BatchCache: a short batch from the background causes no other refill by itself [B-08]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {5, 1};
    Cache cache(prefetching(5, 4), from(kitchen));
    co_await get_many(cache, 4);

    co_await sleep(100s);
    CHECK(cache.available() == 2);
    CHECK(kitchen.refills == 2);
    co_await cache.get();
    co_await sleep(100s);

    CHECK(cache.available() == 6);
    CHECK(kitchen.refills == 3);
  });
}

TEST_CASE("BatchCache: a background refill that fails is nobody's error, and is not repeated") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(4, 4), from(kitchen));
    co_await cache.get();
    kitchen.failures = 1;

    for (int i = 1; i < 4; ++i) {
      co_await sleep(10s);
      const int item = co_await cache.get();
      CHECK(item == i);
    }
    co_await sleep(10s);
    CHECK(kitchen.refills == 2);
    CHECK(cache.statistics().failures == 1);
    const int retried = co_await cache.get();
    co_await sleep(10s);

    CHECK(retried == 4);
    CHECK(kitchen.refills == 4);  // The mark works again.
    CHECK(cache.available() == 7);
  });
}

TEST_CASE("BatchCache: an empty batch from the background is a failure, not a loop [B-08]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {2, 0};
    Cache cache(prefetching(2, 2), from(kitchen));

    co_await cache.get();
    co_await sleep(100s);
    const int next = co_await cache.get();

    CHECK(next == 1);
    CHECK(kitchen.refills == 2);
    CHECK(cache.statistics().failures == 1);
  });
}

TEST_CASE("BatchCache: a background refill that is cancelled inside is nobody's error [B-04]") {
  run_async([]() -> Task<void> {
    int calls = 0;
    const auto moody = [](int& count) -> Task<Batch> {
      co_await sleep(1s);
      if (++count == 2) throw Cancelled();
      co_return Batch(2, count);
    };
    Cache cache(prefetching(2, 2), [&](std::size_t) { return moody(calls); });

    co_await cache.get();
    co_await sleep(10s);
    const int left = co_await cache.get();
    const int retried = co_await cache.get();

    CHECK(left == 1);
    CHECK(retried == 3);
    CHECK(cache.statistics().failures == 1);
  });
}

TEST_CASE("BatchCache: a get from inside a background refill is an error too [B-05]") {
  run_async([]() -> Task<void> {
    static std::string told;
    std::optional<Cache> cache;
    const auto greedy = [](std::optional<Cache>& own, std::size_t size) -> Task<Batch> {
      if (own->available() > 0) told = co_await outcome(*own);
      co_return Batch(size, 1);
    };
    cache.emplace(prefetching(3, 3), [&](std::size_t size) { return greedy(cache, size); });

    co_await cache->get();
    co_await turns(3);

    CHECK(told == "std::logic_error('get() from inside the refill of the same BatchCache')");
    CHECK(cache->available() == 5);
  });
}

TEST_CASE("BatchCache: who waits for a background refill by then gets its error [B-02]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(2, 1), from(kitchen));
    co_await get_many(cache, 2);
    co_await sleep(500ms);
    kitchen.failures = 1;
    auto getters = spawn_getters(cache, 2);

    const std::string all = co_await joined(getters);
    const int next = co_await cache.get();

    CHECK(all == "std::runtime_error('out of oil') std::runtime_error('out of oil') ");
    CHECK(next == 2);
    CHECK(kitchen.refills == 3);
  });
}

TEST_CASE("BatchCache: a background refill goes on when those who joined it are cancelled [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(prefetching(2, 1), from(kitchen));
    co_await get_many(cache, 2);
    auto getters = spawn_getters(cache, 2);
    co_await turns(3);

    for (const auto& getter : getters) getter.cancel();
    const std::string all = co_await joined(getters);
    co_await sleep(10s);

    CHECK(all == "Cancelled Cancelled ");
    CHECK(kitchen.cancelled == 0);
    CHECK(cache.available() == 2);
  });
}

TEST_CASE("BatchCache: one refill at a time, whoever starts it [B-01]") {
  run_async([]() -> Task<void> {
    static int running = 0;
    static int most = 0;
    struct Running {
      Running() { most = std::max(most, ++running); }
      ~Running() { --running; }
    };
    const auto slow = [](std::size_t size) -> Task<Batch> {
      const Running counted;
      co_await sleep(1s);
      co_return Batch(size, 1);
    };
    Cache cache(prefetching(3, 3), slow);

    for (int round = 0; round < 20; ++round) {
      auto getters = spawn_getters(cache, round % 7);
      co_await joined(getters);
      if (round % 3 == 0) cache.invalidate();
    }

    CHECK(most == 1);
  });
}

TEST_CASE("BatchCache: destroying it cancels a background refill, begun or not [L-08]") {
  run_async([]() -> Task<void> {
    for (const int lead : {0, 3}) {
      Kitchen kitchen;
      std::optional<Cache> cache(std::in_place, prefetching(2, 1), from(kitchen));
      co_await get_many(*cache, 2);
      co_await turns(lead);

      cache.reset();
      co_await sleep(10s);

      CHECK(kitchen.refills == (lead == 0 ? 1 : 2));
      CHECK(kitchen.cancelled == (lead == 0 ? 0 : 1));
      CHECK(kitchen.delivered == 1);
    }
  });
}

TEST_CASE("BatchCache: closing the loop with a background refill under way leaves nothing") {
  for (const int lead : {0, 3}) {
    Kitchen kitchen;
    Loop loop(loop_options({.clock = ClockKind::kVirtual}));
    Cache cache(prefetching(2, 1), from(kitchen));
    loop.run_until_complete(get_many(cache, 2));
    if (lead > 0) loop.run_until_complete(turns(lead));

    close_and_check(loop);

    CHECK(kitchen.refills == (lead == 0 ? 1 : 2));
    CHECK(kitchen.delivered == 1);
  }
}

}  // namespace
}  // namespace brigade
