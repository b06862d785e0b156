// BatchCache: what it must not hand out any more: too old, or invalidated.
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

BatchCacheOptions aging(std::size_t batch_size, Nanoseconds time_to_live,
                        std::size_t low_water = 0) {
  BatchCacheOptions options(batch_size);
  options.time_to_live = time_to_live;
  options.low_water = low_water;
  return options;
}

TEST_CASE("BatchCache: an item is handed out until its time to live has passed, to the instant") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(aging(4, 10s), from(kitchen));
    co_await cache.get();  // The batch arrives at 1 s.

    co_await sleep_until(TimePoint(11s - 1ns));
    const int just_good = co_await cache.get();
    CHECK(cache.available() == 2);
    co_await sleep(1ns);
    CHECK(cache.available() == 0);
    const int fresh = co_await cache.get();

    CHECK(just_good == 1);
    CHECK(fresh == 4);
    CHECK(cache.statistics().discarded == 2);
    CHECK(Loop::current().now() == TimePoint(12s));
  });
}

TEST_CASE("BatchCache: each batch has an age of its own") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(aging(3, 10s, 3), from(kitchen));
    co_await cache.get();  // 1 and 2 are left, good until 11 s;
    co_await sleep(2s);    // 3, 4, 5 are there since 2 s.
    co_await sleep_until(TimePoint(11s));

    const int next = co_await cache.get();

    CHECK(next == 3);
    CHECK(cache.statistics().discarded == 2);
  });
}

TEST_CASE("BatchCache: who waits for a batch gets its items however short their time to live") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(aging(2, 1ns), from(kitchen));
    auto getters = spawn_getters(cache, 3);

    const std::string all = co_await joined(getters);

    CHECK(all == "0 1 2 ");
  });
}

TEST_CASE("BatchCache: a time to live is no timer that keeps the loop running") {
  Kitchen kitchen;
  Loop loop(loop_options({.clock = ClockKind::kVirtual}));
  Cache cache(aging(3, 10s), from(kitchen));
  detach(loop.spawn(get(cache)));

  loop.run_until_idle();

  CHECK(loop.now() == TimePoint(1s));
  CHECK(cache.available() == 2);
  close_and_check(loop);
}

TEST_CASE("BatchCache: a get that is made to suspend takes no item that is too old") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {1000};
    Cache cache(aging(1, 10s), from(kitchen));
    for (int i = 0; i < 500; ++i) co_await cache.get();  // Many times over the budget.
    co_await sleep(10s);

    const int fresh = co_await cache.get();

    CHECK(fresh == 1000);
    CHECK(cache.statistics().hits == 499);
    CHECK(cache.statistics().discarded == 500);
  });
}

TEST_CASE("BatchCache: invalidate drops what is at hand") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(3, from(kitchen));
    co_await cache.get();

    cache.invalidate();
    CHECK(cache.available() == 0);
    const int fresh = co_await cache.get();

    CHECK(fresh == 3);
    CHECK(cache.statistics().discarded == 2);
  });
}

TEST_CASE("BatchCache: a refill that invalidate finds under way serves who came before [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(4, from(kitchen));
    auto getters = spawn_getters(cache, 2);
    co_await turns(3);

    cache.invalidate();
    auto later = spawn_getters(cache, 2);
    const std::string all = co_await joined(getters);
    CHECK(Loop::current().now() == TimePoint(1s));
    const std::string of_later = co_await joined(later);

    CHECK(all == "0 1 ");
    CHECK(of_later == "4 5 ");
    CHECK(Loop::current().now() == TimePoint(2s));
    CHECK(cache.available() == 2);
    CHECK(cache.statistics().discarded == 2);
    CHECK(kitchen.refills == 2);
  });
}

TEST_CASE("BatchCache: what a stale refill brings is not kept when all came before [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(4, from(kitchen));
    auto getters = spawn_getters(cache, 1);
    co_await turns(3);

    cache.invalidate();
    co_await joined(getters);
    CHECK(cache.available() == 0);
    const int fresh = co_await cache.get();

    CHECK(fresh == 4);
  });
}

TEST_CASE("BatchCache: a stale refill that fails fails only who came before [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.failures = 1;
    Cache cache(4, from(kitchen));
    auto getters = spawn_getters(cache, 1);
    co_await turns(3);

    cache.invalidate();
    auto later = spawn_getters(cache, 2);
    const std::string all = co_await joined(getters);
    const std::string of_later = co_await joined(later);

    CHECK(all == "std::runtime_error('out of oil') ");
    CHECK(of_later == "0 1 ");
  });
}

TEST_CASE("BatchCache: a stale refill that brings too little leaves the rest for the next [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {1};
    Cache cache(4, from(kitchen));
    auto getters = spawn_getters(cache, 3);
    co_await turns(3);

    cache.invalidate();
    const std::string all = co_await joined(getters);

    CHECK(all == "0 1 2 ");
    CHECK(cache.available() == 2);
  });
}

TEST_CASE("BatchCache: whichever getters are cancelled around an invalidate [B-03][B-06]") {
  run_async([]() -> Task<void> {
    for (unsigned subset = 0; subset < 16; ++subset) {
      Kitchen kitchen;
      Cache cache(4, from(kitchen));
      auto getters = spawn_getters(cache, 2);
      co_await turns(3);
      cache.invalidate();
      for (auto& later : spawn_getters(cache, 2)) getters.push_back(later);
      co_await turns(1);
      const bool stale_wanted = (subset & 3U) != 3;
      int next = 0;
      std::string expected;
      for (unsigned i = 0; i < 4; ++i) {
        if (i == 2) next = stale_wanted ? 4 : 0;  // Of another batch.
        const bool cancelled = (subset >> i & 1U) != 0;
        if (cancelled) getters[i].cancel();
        expected += (cancelled ? "Cancelled" : std::to_string(next++)) + " ";
      }
      const TimePoint start = Loop::current().now();

      const std::string all = co_await joined(getters);

      CHECK(all == expected);
      const bool later_wanted = subset >> 2 != 3;
      CHECK(Loop::current().now() - start == 1s * (int{stale_wanted} + int{later_wanted}));
      CHECK(kitchen.delivered == int{stale_wanted} + int{later_wanted});
      co_await sleep(10s);
      CHECK(cache.available() ==
            (later_wanted ? 4U - static_cast<unsigned>(next - 4 * int{stale_wanted}) : 0U));
    }
  });
}

TEST_CASE("BatchCache: invalidate cancels a background refill under way [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(aging(2, BatchCacheOptions::kForever, 2), from(kitchen));
    co_await cache.get();
    co_await turns(3);

    cache.invalidate();
    const int fresh = co_await cache.get();  // In the same turn.

    CHECK(kitchen.cancelled == 1);
    CHECK(fresh == 2);
    CHECK(Loop::current().now() == TimePoint(2s));
    CHECK(cache.statistics().failures == 0);
  });
}

TEST_CASE("BatchCache: a background refill that invalidate cancelled is not begun again [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(aging(2, BatchCacheOptions::kForever, 2), from(kitchen));
    co_await cache.get();
    co_await turns(3);

    cache.invalidate();
    co_await sleep(10s);

    CHECK(kitchen.cancelled == 1);
    CHECK(kitchen.refills == 2);
    CHECK(cache.available() == 0);
  });
}

TEST_CASE("BatchCache: a stale refill that swallows its cancel publishes nothing [B-06]") {
  run_async([]() -> Task<void> {
    int calls = 0;
    const auto stubborn = [](int& count) -> Task<Batch> {
      const int mine = ++count;
      co_await thrown_by(turns(5));
      co_return Batch(2, mine);
    };
    Cache cache(aging(2, BatchCacheOptions::kForever, 2),
                [&](std::size_t) { return stubborn(calls); });
    co_await cache.get();
    co_await turns(3);
    CHECK(calls == 2);

    cache.invalidate();
    co_await turns(20);
    CHECK(cache.available() == 0);
    const int fresh = co_await cache.get();

    CHECK(fresh == 3);
  });
}

TEST_CASE("BatchCache: an invalidate before the refill has begun makes nothing stale [B-06]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(3, from(kitchen));
    auto getters = spawn_getters(cache, 1);
    co_await yield_now();

    cache.invalidate();
    auto later = spawn_getters(cache, 1);
    const std::string all = co_await joined(getters);
    const std::string of_later = co_await joined(later);

    CHECK(all == "0 ");
    CHECK(of_later == "1 ");
    CHECK(kitchen.refills == 1);
    CHECK(cache.available() == 1);
  });
}

TEST_CASE("BatchCache: a refill that invalidates its own cache serves who waits, and ends [B-06]") {
  run_async([]() -> Task<void> {
    std::optional<Cache> cache;
    const auto fetch = [](std::optional<Cache>& own) -> Task<Batch> {
      co_await yield_now();
      own->invalidate();
      co_return Batch(3, 7);
    };
    cache.emplace(3, [&](std::size_t) { return fetch(cache); });
    auto getters = spawn_getters(*cache, 2);

    const std::string all = co_await joined(getters);

    CHECK(all == "7 7 ");
    CHECK(cache->available() == 0);
    CHECK(cache->statistics().refills == 1);
  });
}

}  // namespace
}  // namespace brigade
