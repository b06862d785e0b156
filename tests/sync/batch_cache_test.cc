#include "brigade/sync/batch_cache.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/sync/kitchen.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

TEST_CASE("BatchCache: hands out a batch one by one, then fetches the next") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(3, from(kitchen));
    CHECK(cache.available() == 0);
    CHECK(cache.batch_size() == 3);

    for (int i = 0; i < 7; ++i) {
      const int item = co_await cache.get();
      CHECK(item == i);
    }

    CHECK(kitchen.asked == std::vector<std::size_t>{3, 3, 3});
    CHECK(cache.available() == 2);
    CHECK(Loop::current().now() == TimePoint(3s));
  });
}

TEST_CASE("BatchCache: a thousand getters cause one refill [B-01]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(1000, from(kitchen));
    std::vector<TaskHandle<int>> getters;
    for (int i = 0; i < 1000; ++i) getters.push_back(spawn(get(cache)));

    for (int i = 0; i < 1000; ++i) {
      const int item = co_await getters[static_cast<std::size_t>(i)];
      REQUIRE(item == i);  // In the order of the calls.
    }

    CHECK(kitchen.refills == 1);
    CHECK(cache.available() == 0);
  });
}

TEST_CASE("BatchCache: who comes between the refill and the wake-up takes nobody's item [B-01]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    const TaskHandle<int> first = spawn(get(cache));
    const TaskHandle<int> second = spawn(get(cache));

    const int mine = co_await get(cache);
    const int of_first = co_await first;
    const int of_second = co_await second;

    CHECK(mine == 0);
    CHECK(of_first == 1);
    CHECK(of_second == 2);
    CHECK(kitchen.refills == 2);
  });
}

TEST_CASE("BatchCache: a refill that throws fails all who wait, and the next get retries [B-02]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.failures = 1;
    Cache cache(2, from(kitchen));
    auto getters = spawn_getters(cache, 3);

    const std::string all = co_await joined(getters);
    const int next = co_await cache.get();

    CHECK(all ==
          "std::runtime_error('out of oil') std::runtime_error('out of oil') "
          "std::runtime_error('out of oil') ");
    CHECK(next == 0);
    CHECK(kitchen.refills == 2);
  });
}

TEST_CASE("BatchCache: whichever getters are cancelled, the others get the items [B-03]") {
  run_async([]() -> Task<void> {
    for (unsigned subset = 0; subset < 16; ++subset) {
      Kitchen kitchen;
      Cache cache(4, from(kitchen));
      auto getters = spawn_getters(cache, 4);
      co_await turns(3);
      std::string expected;
      int served = 0;
      for (unsigned i = 0; i < 4; ++i) {
        const bool cancelled = (subset >> i & 1U) != 0;
        if (cancelled) getters[i].cancel();
        expected += (cancelled ? "Cancelled" : std::to_string(served++)) + " ";
      }

      const std::string all = co_await joined(getters);
      co_await sleep(5s);

      CHECK(all == expected);
      CHECK(kitchen.refills == 1);
      CHECK(kitchen.cancelled == (subset == 15 ? 1 : 0));  // No orphan.
      CHECK(cache.available() == static_cast<std::size_t>(subset == 15 ? 0 : 4 - served));
    }
  });
}

TEST_CASE("BatchCache: whenever and whichever getters are cancelled, no item is lost [B-03]") {
  run_async([]() -> Task<void> {
    for (int moment = 1; moment < 9; ++moment) {  // From before the refill to after the hand-over.
      for (unsigned subset = 0; subset < 8; ++subset) {
        const auto soon = [](std::size_t size) -> Task<Batch> {
          co_await turns(3);
          co_return Batch(size, 1);
        };
        Cache cache(3, soon);
        auto getters = spawn_getters(cache, 3);
        co_await turns(moment);
        for (unsigned i = 0; i < 3; ++i)
          if ((subset >> i & 1U) != 0) getters[i].cancel();

        const std::string all = co_await joined(getters);
        const auto served = static_cast<std::size_t>(std::count(all.begin(), all.end(), '1'));
        co_await turns(20);

        CAPTURE(moment);
        CAPTURE(subset);
        for (unsigned i = 0; i < 3; ++i)
          CHECK((getters[i].result() == "1" || (subset >> i & 1U) != 0));
        const bool delivered = served > 0 || cache.available() > 0;
        CHECK(cache.available() + served == (delivered ? 3 : 0));
        CHECK(cache.statistics().refills <= 1);
      }
    }
  });
}

TEST_CASE("BatchCache: a get after all getters were cancelled starts afresh [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    const TaskHandle<int> only = spawn(get(cache));
    co_await turns(3);
    only.cancel();
    co_await wait_done(only);
    co_await turns(5);

    const int item = co_await cache.get();

    CHECK(item == 0);
    CHECK(kitchen.refills == 2);
  });
}

TEST_CASE(
    "BatchCache: cancel of the last getter and a new one in one turn harm not the new [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    const TaskHandle<int> last = spawn(get(cache));
    co_await turns(3);

    last.cancel();
    const int item = co_await cache.get();  // In the same turn.

    CHECK(item == 0);
    CHECK(last.status() == TaskStatus::kCancelled);
    CHECK(kitchen.delivered == 1);
  });
}

TEST_CASE(
    "BatchCache: cancel of the last getter before the refill has begun harms not the next [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    const TaskHandle<int> last = spawn(get(cache));
    co_await yield_now();  // It waits; the task of the refill has not started.

    last.cancel();
    const int in_same_turn = co_await cache.get();

    CHECK(in_same_turn == 0);
  });
}

TEST_CASE("BatchCache: a refill cancelled before it has begun is forgotten [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    const TaskHandle<int> last = spawn(get(cache));
    co_await yield_now();
    last.cancel();
    co_await turns(5);

    const int later = co_await cache.get();

    CHECK(later == 0);
  });
}

TEST_CASE("BatchCache: a get with a cancel due takes nothing and leaves the cache usable [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    const auto cancel_self_and_get = [](Cache& own) -> Task<std::string> {
      current_context->cancel();
      co_return co_await outcome(own);
    };

    const std::string first = co_await spawn(cancel_self_and_get(cache));
    co_await turns(5);
    const int later = co_await cache.get();

    CHECK(first == "Cancelled");
    CHECK(later == 0);
  });
}

TEST_CASE("BatchCache: an item handed over before the cancel is delivered, not lost [B-03]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(1, from(kitchen));
    std::optional<TaskRef> target;
    const auto get_then_sleep = [](Cache& own, int& got) -> Task<void> {
      got = co_await own.get();
      co_await sleep(1s);
    };
    const auto cook_and_cancel = [](Kitchen& own, std::optional<TaskRef>& victim) -> Task<Batch> {
      Batch batch = co_await cook(own, 1);
      const auto cancel = [](std::optional<TaskRef>& late) -> Task<void> {
        late->cancel();
        co_return;
      };
      detach(spawn(cancel(victim)));  // Runs after the hand-over, before the getter.
      co_return batch;
    };
    Cache hostile(1, [&](std::size_t) { return cook_and_cancel(kitchen, target); });
    int got = -1;
    const TaskHandle<void> getter = spawn(get_then_sleep(hostile, got));
    target = getter;

    co_await wait_done(getter);

    CHECK(got == 0);
    CHECK(getter.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE(
    "BatchCache: a refill that hits a timeout fails the waiters, and the cache works on [B-04]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    int calls = 0;
    const auto impatient = [](Kitchen& own, int& count) -> Task<Batch> {
      if (++count > 1) co_return co_await cook(own, 2);
      co_return co_await timeout(100ms, cook(own, 2));
    };
    Cache cache(2, [&](std::size_t) { return impatient(kitchen, calls); });
    auto getters = spawn_getters(cache, 2);

    const std::string all = co_await joined(getters);
    CHECK(Loop::current().now() == TimePoint(100ms));
    const int next = co_await cache.get();

    CHECK(all ==
          "brigade::TimeoutError('deadline passed') brigade::TimeoutError('deadline passed') ");
    CHECK(next == 0);
  });
}

TEST_CASE(
    "BatchCache: a refill that ends cancelled fails the waiters, and the cache works on [B-04]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    int calls = 0;
    const auto join_cancelled = [](Kitchen& own, int& count) -> Task<Batch> {
      if (++count > 1) co_return co_await cook(own, 2);
      const TaskHandle<Batch> inner = spawn(cook(own, 2));
      co_await yield_now();
      inner.cancel();
      co_return co_await inner;
    };
    Cache cache(2, [&](std::size_t) { return join_cancelled(kitchen, calls); });
    auto getters = spawn_getters(cache, 2);

    const std::string all = co_await joined(getters);
    const int next = co_await cache.get();

    CHECK(all ==
          "std::runtime_error('the refill was cancelled') "
          "std::runtime_error('the refill was cancelled') ");
    CHECK(next == 0);
  });
}

TEST_CASE("BatchCache: a refill that somebody cancels fails the waiters at once [B-04]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    std::optional<TaskRef> refill;
    const auto exposed = [](Kitchen& own, std::optional<TaskRef>& self) -> Task<Batch> {
      self = current_task();
      co_return co_await cook(own, 2);
    };
    Cache cache(2, [&](std::size_t) { return exposed(kitchen, refill); });
    auto getters = spawn_getters(cache, 2);
    co_await sleep(500ms);

    refill->cancel();
    const std::string all = co_await joined(getters);
    CHECK(Loop::current().now() == TimePoint(500ms));
    const int next = co_await cache.get();

    CHECK(all ==
          "std::runtime_error('the refill was cancelled') "
          "std::runtime_error('the refill was cancelled') ");
    CHECK(next == 0);
    CHECK(cache.statistics().failures == 1);
  });
}

TEST_CASE("BatchCache: a get that times out leaves the refill to the others [B-04]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache cache(2, from(kitchen));
    auto getters = spawn_getters(cache, 1);
    std::string told;
    try {
      co_await timeout(100ms, get(cache));
    } catch (const TimeoutError& error) {
      told = error.what();
    }
    CHECK(Loop::current().now() == TimePoint(100ms));

    const std::string all = co_await joined(getters);

    CHECK(told == "deadline passed");
    CHECK(all == "0 ");
    CHECK(kitchen.refills == 1);
    CHECK(cache.available() == 1);
  });
}

TEST_CASE("BatchCache: an unwanted refill that ends well does not spoil the next cancel [B-04]") {
  run_async([]() -> Task<void> {
    int calls = 0;
    const auto stubborn = [](int& count) -> Task<Batch> {
      ++count;
      if (count == 1) {
        co_await thrown_by(turns(5));  // Swallows its cancel, and delivers.
        co_return Batch(1, count);
      }
      throw Cancelled();
    };
    Cache cache(1, [&](std::size_t) { return stubborn(calls); });
    const TaskHandle<int> unwilling = spawn(get(cache));
    co_await turns(3);
    unwilling.cancel();
    co_await turns(10);

    const std::string left_over = co_await outcome(cache);
    const std::string next = co_await outcome(cache);

    CHECK(left_over == "1");
    CHECK(next == "std::runtime_error('the refill was cancelled')");
    CHECK(calls == 2);
  });
}

TEST_CASE(
    "BatchCache: an unwanted refill that has what it waited for goes on for newcomers [B-03]") {
  run_async([]() -> Task<void> {
    const auto sleeper = []() -> Task<void> { co_await sleep(1s); };
    const auto fetch = [](const TaskHandle<void>& oven, int& count) -> Task<Batch> {
      if (++count == 1)
        co_await oven;
      else
        co_await yield_now();
      co_return Batch(1, count);
    };
    const auto cancel_at_1s = [](const TaskRef& victim) -> Task<void> {
      co_await sleep_until(TimePoint(1s));
      victim.cancel();
    };
    const auto get_at_1s = [](Cache& own) -> Task<std::string> {
      co_await sleep_until(TimePoint(1s));
      co_return co_await outcome(own);
    };
    int calls = 0;
    const TaskHandle<void> oven = spawn(sleeper());
    Cache cache(1, [&](std::size_t) { return fetch(oven, calls); });
    const TaskHandle<std::string> first = spawn(outcome(cache));
    co_await turns(3);
    const TaskHandle<void> canceller = spawn(cancel_at_1s(first));  // The refill is ready by then.
    std::vector<TaskHandle<std::string>> newcomers;
    for (int i = 0; i < 2; ++i) newcomers.push_back(spawn(get_at_1s(cache)));

    const std::string of_first = co_await first;
    const std::string of_newcomers = co_await joined(newcomers);

    CHECK(of_first == "Cancelled");
    CHECK(of_newcomers == "1 2 ");
    CHECK(cache.statistics().failures == 0);
    co_await canceller;
  });
}

TEST_CASE("BatchCache: a get from inside the refill is an error, not a deadlock [B-05]") {
  run_async([]() -> Task<void> {
    std::optional<Cache> cache;
    const auto nested = [](std::optional<Cache>& own) -> Task<Batch> {
      const int item = co_await own->get();
      co_return Batch(1, item);
    };
    cache.emplace(1, [&](std::size_t) { return nested(cache); });

    const std::string told = co_await outcome(*cache);

    CHECK(told == "std::logic_error('get() from inside the refill of the same BatchCache')");
  });
}

// The refill of one of a chain of caches: gets from the next one.
Task<Batch> relay(std::vector<std::unique_ptr<Cache>>& chain, std::size_t next) {
  const int item = co_await chain[next % chain.size()]->get();
  co_return Batch(1, item);
}

TEST_CASE("BatchCache: refills that wait for each other in a circle are an error [B-05]") {
  run_async([]() -> Task<void> {
    for (const std::size_t length : {2U, 3U, 10U}) {
      std::vector<std::unique_ptr<Cache>> chain;
      for (std::size_t i = 0; i < length; ++i) {
        BatchCacheOptions options(1);
        options.name = std::string(1, static_cast<char>('A' + i));
        chain.push_back(std::make_unique<Cache>(
            std::move(options), [&chain, i](std::size_t) { return relay(chain, i + 1); }));
      }

      const std::string told = co_await outcome(*chain[0]);

      CHECK(told ==
            "std::logic_error('get() would wait for itself: the refill of BatchCache \"A\" waits "
            "for the one that calls it')");
    }
  });
}

Task<Batch> relay_by_a_task(std::unique_ptr<Cache>& other) {
  const int item = co_await spawn(get(*other), "go-between");
  co_return Batch(1, item);
}

TEST_CASE("BatchCache: a circle through other tasks is reported as a deadlock [B-05]") {
  Loop loop(loop_options({.clock = ClockKind::kVirtual}));
  std::unique_ptr<Cache> a;
  std::unique_ptr<Cache> b;
  BatchCacheOptions options(1);
  options.name = "A";
  a = std::make_unique<Cache>(options, [&](std::size_t) { return relay_by_a_task(b); });
  options.name = "B";
  b = std::make_unique<Cache>(options, [&](std::size_t) { return relay_by_a_task(a); });

  std::string told;
  try {
    loop.run_until_complete(get(*a), "customer");
  } catch (const DeadlockError& error) {
    told = error.what();
  }

  CHECK(told.find("BatchCache \"A\" refill") != std::string::npos);
  CHECK(told.find("BatchCache \"B\" refill") != std::string::npos);
  close_and_check(loop);
}

TEST_CASE("BatchCache: a refill may get from another cache [B-05]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    Cache potatoes(4, from(kitchen));
    const auto fry = [](Cache& raw) -> Task<Batch> {
      const int first = co_await raw.get();
      const int second = co_await raw.get();
      Batch batch;
      batch.push_back(first + 100);
      batch.push_back(second + 100);
      co_return batch;
    };
    Cache fries(2, [&](std::size_t) { return fry(potatoes); });

    const int first = co_await fries.get();
    const int second = co_await fries.get();

    CHECK(first == 100);
    CHECK(second == 101);
    CHECK(potatoes.available() == 2);
  });
}

TEST_CASE(
    "BatchCache: a short batch is handed out, and another refill follows for the rest [B-08]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {1, 2};
    Cache cache(4, from(kitchen));
    auto getters = spawn_getters(cache, 5);

    const std::string all = co_await joined(getters);

    CHECK(all == "0 1 2 3 4 ");
    CHECK(kitchen.refills == 3);
    CHECK(cache.available() == 2);
  });
}

TEST_CASE("BatchCache: what a long batch holds is kept [B-08]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {5};
    Cache cache(2, from(kitchen));
    auto getters = spawn_getters(cache, 2);

    const std::string all = co_await joined(getters);

    CHECK(all == "0 1 ");
    CHECK(cache.available() == 3);
    CHECK(kitchen.refills == 1);
  });
}

TEST_CASE("BatchCache: an empty batch is an error, not a loop [B-08]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.sizes = {0};
    Cache cache(2, from(kitchen));
    auto getters = spawn_getters(cache, 2);

    const std::string all = co_await joined(getters);
    const int next = co_await cache.get();

    CHECK(all ==
          "std::runtime_error('the refill returned an empty batch') "
          "std::runtime_error('the refill returned an empty batch') ");
    CHECK(kitchen.refills == 2);
    CHECK(next == 0);
  });
}

TEST_CASE("BatchCache: one of batches of 0 is refused [B-08]") {
  Kitchen kitchen;

  CHECK_THROWS_WITH_AS(Cache(0, from(kitchen)), "BatchCache of 0 items: at least 1 is needed",
                       std::invalid_argument);
}

TEST_CASE(
    "BatchCache: a refill that throws before it is a coroutine fails the waiters too [B-02]") {
  run_async([]() -> Task<void> {
    Cache cache(1, [](std::size_t) -> Task<Batch> { throw std::runtime_error("no pan"); });

    const std::string told = co_await outcome(cache);

    CHECK(told == "std::runtime_error('no pan')");
  });
}

TEST_CASE(
    "BatchCache: who waits when it is destroyed gets an error; the refill is cancelled [L-08]") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    std::optional<Cache> cache(std::in_place, std::size_t{2}, from(kitchen));
    auto getters = spawn_getters(*cache, 2);
    co_await turns(3);

    cache.reset();
    const std::string all = co_await joined(getters);
    co_await turns(5);

    CHECK(all ==
          "std::logic_error('the BatchCache was destroyed while waited for') "
          "std::logic_error('the BatchCache was destroyed while waited for') ");
    CHECK(kitchen.cancelled == 1);
  });
}

TEST_CASE("BatchCache: an item handed over before it was destroyed is delivered") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    std::optional<Cache> cache;
    const auto cook_and_destroy = [](Kitchen& own, std::optional<Cache>& doomed) -> Task<Batch> {
      Batch batch = co_await cook(own, 1);
      const auto destroy = [](std::optional<Cache>& late) -> Task<void> {
        late.reset();
        co_return;
      };
      detach(spawn(destroy(doomed)));
      co_return batch;
    };
    cache.emplace(1, [&](std::size_t) { return cook_and_destroy(kitchen, cache); });

    const std::string told = co_await outcome(*cache);

    CHECK(told == "0");
    CHECK_FALSE(cache.has_value());
  });
}

TEST_CASE("BatchCache: items that can only be moved are handed out") {
  run_async([]() -> Task<void> {
    using Boxes = std::vector<std::unique_ptr<int>>;
    const auto box = []() -> Task<Boxes> {
      Boxes boxes;
      boxes.push_back(std::make_unique<int>(1));
      boxes.push_back(std::make_unique<int>(2));
      co_return boxes;
    };
    BatchCache<std::unique_ptr<int>> cache(2, [&](std::size_t) { return box(); });

    const std::unique_ptr<int> first = co_await cache.get();
    const std::unique_ptr<int> second = co_await cache.get();

    CHECK(*first == 1);
    CHECK(*second == 2);
  });
}

TEST_CASE("BatchCache: prints its name, what is at hand, who waits and whether it refills") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    BatchCacheOptions options(3);
    options.name = "fries";
    Cache cache(std::move(options), from(kitchen));
    Cache unnamed(3, from(kitchen));
    CHECK(cache.name() == "fries");
    CHECK(unnamed.to_string() == "<BatchCache 0 at hand, 0 waiting>");

    auto getters = spawn_getters(cache, 2);
    co_await turns(3);
    CHECK(cache.to_string() == "<BatchCache \"fries\" 0 at hand, 2 waiting, refilling>");
    co_await joined(getters);
    std::ostringstream out;
    out << cache;

    CHECK(out.str() == "<BatchCache \"fries\" 1 at hand, 0 waiting>");
  });
}

TEST_CASE("BatchCache: a report says which one a task waits for, and the refill has its name") {
  run_async([]() -> Task<void> {
    static std::string refill_name;
    const auto named = [](std::size_t size) -> Task<Batch> {
      refill_name = current_task().name();
      co_await sleep(1s);
      co_return Batch(size, 1);
    };
    BatchCacheOptions options(3);
    options.name = "fries";
    Cache cache(std::move(options), named);
    Cache unnamed(3, named);

    const TaskHandle<int> getter = spawn(get(cache));
    co_await turns(3);
    CHECK(getter.context().waits_for() == "BatchCache \"fries\"");
    CHECK(refill_name == "BatchCache \"fries\" refill");
    const TaskHandle<int> other = spawn(get(unnamed));
    co_await turns(3);
    CHECK(other.context().waits_for() == "a BatchCache");
    CHECK(refill_name == "BatchCache refill");
    co_await getter;
    co_await other;
  });
}

TEST_CASE("BatchCache: counts hits, misses, refills and failures") {
  run_async([]() -> Task<void> {
    Kitchen kitchen;
    kitchen.failures = 1;
    Cache cache(2, from(kitchen));

    const std::string failed = co_await outcome(cache);
    for (int i = 0; i < 3; ++i) co_await cache.get();

    CHECK(failed == "std::runtime_error('out of oil')");
    CHECK(
        cache.statistics() ==
        BatchCacheStatistics{
            .hits = 1, .misses = 3, .refills = 3, .prefetches = 0, .failures = 1, .discarded = 0});
  });
}

TEST_CASE("BatchCache: closing the loop with getters and a refill under way leaves nothing") {
  Kitchen kitchen;
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  Cache cache(2, from(kitchen));
  for (int i = 0; i < 5; ++i) detach(loop.spawn(outcome(cache)));
  loop.run_until_complete(turns(4));

  close_and_check(loop);

  CHECK(kitchen.refills == 1);
  CHECK(kitchen.cancelled == 1);
}

}  // namespace
}  // namespace brigade
