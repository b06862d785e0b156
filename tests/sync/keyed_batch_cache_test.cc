#include "brigade/sync/keyed_batch_cache.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Tickets = KeyedBatchCache<std::string, std::string>;
using Batch = std::vector<std::string>;

std::map<std::string, int> offices;  // Refills begun, per key.

// After a second: "a1", "a2" and so on for the key "a".
Task<Batch> print(const std::string& key, std::size_t size) {
  const int first = offices[key]++ * static_cast<int>(size);
  co_await sleep(1s);
  Batch batch;
  for (int i = 1; i <= static_cast<int>(size); ++i)
    batch.push_back(key + std::to_string(first + i));
  co_return batch;
}

BatchCacheOptions named(std::size_t batch_size, const char* name) {
  offices.clear();
  BatchCacheOptions options(batch_size);
  options.name = name;
  return options;
}

Task<std::string> get(Tickets& tickets, std::string key) {
  std::string ticket = co_await tickets.get(key);
  co_return ticket;
}

Task<std::string> outcome(Tickets& tickets, std::string key) {
  try {
    std::string ticket = co_await tickets.get(key);
    co_return ticket;
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

TEST_CASE("KeyedBatchCache: each key has batches of its own") {
  run_async([]() -> Task<void> {
    Tickets tickets(10, named(2, "tickets"), &print);
    std::string all;

    for (const char* key : {"a", "b", "a", "a", "b"}) {
      const std::string ticket = co_await tickets.get(key);
      all += ticket + " ";
    }

    CHECK(all == "a1 b1 a2 a3 b2 ");
    CHECK(tickets.keys() == 2);
    CHECK(tickets.available("a") == 1);
    CHECK(tickets.available("b") == 0);
    CHECK(tickets.available("c") == 0);
    CHECK(tickets.keys() == 2);
  });
}

TEST_CASE(
    "KeyedBatchCache: a thousand getters of one key cause one refill, others wait not [B-01]") {
  run_async([]() -> Task<void> {
    Tickets tickets(10, named(1000, "tickets"), &print);
    std::vector<TaskHandle<std::string>> getters;
    for (int i = 0; i < 1000; ++i) getters.push_back(spawn(get(tickets, "a")));
    co_await sleep(500ms);

    const std::string other = co_await tickets.get("b");
    CHECK(Loop::current().now() == TimePoint(1500ms));
    for (int i = 0; i < 1000; ++i) {
      const std::string ticket = co_await getters[static_cast<std::size_t>(i)];
      REQUIRE(ticket == "a" + std::to_string(i + 1));
    }

    CHECK(other == "b1");
    CHECK(offices["a"] == 1);
  });
}

TEST_CASE("KeyedBatchCache: evicts the key that was least recently asked for [B-07]") {
  run_async([]() -> Task<void> {
    Tickets tickets(2, named(3, "tickets"), &print);
    for (const char* key : {"a", "b", "a", "c"}) co_await tickets.get(key);

    CHECK(tickets.keys() == 2);
    CHECK(tickets.available("a") == 1);
    CHECK(tickets.available("b") == 0);
    CHECK(tickets.available("c") == 2);
    CHECK(
        tickets.statistics() ==
        BatchCacheStatistics{
            .hits = 1, .misses = 3, .refills = 3, .prefetches = 0, .failures = 0, .discarded = 2});
  });
}

TEST_CASE("KeyedBatchCache: evicts no key that somebody waits for or that refills [B-07]") {
  run_async([]() -> Task<void> {
    BatchCacheOptions options = named(2, "tickets");
    options.low_water = 1;
    Tickets tickets(1, std::move(options), &print);
    co_await tickets.get("a");
    co_await tickets.get("a");  // A refill in the background is due; nobody waits.

    const TaskHandle<std::string> b = spawn(get(tickets, "b"));
    const TaskHandle<std::string> c = spawn(get(tickets, "c"));
    co_await turns(3);
    CHECK(tickets.keys() == 3);
    const std::string of_b = co_await b;
    const std::string of_c = co_await c;
    co_await sleep(10s);
    CHECK(tickets.available("a") == 2);
    co_await tickets.get("d");

    CHECK(of_b == "b1");
    CHECK(of_c == "c1");
    CHECK(tickets.keys() == 1);
    CHECK(tickets.available("d") == 1);
  });
}

TEST_CASE("KeyedBatchCache: a get that is not awaited yet keeps its key [B-07]") {
  run_async([]() -> Task<void> {
    Tickets tickets(1, named(2, "tickets"), &print);
    auto early = tickets.get("a");
    co_await tickets.get("b");

    const std::string ticket = co_await early;

    CHECK(ticket == "a1");
    CHECK(tickets.available("a") == 1);
  });
}

TEST_CASE("KeyedBatchCache: invalidate drops the items of one key, or of all [B-06]") {
  run_async([]() -> Task<void> {
    Tickets tickets(10, named(3, "tickets"), &print);
    for (const char* key : {"a", "b", "c"}) co_await tickets.get(key);

    tickets.invalidate("a");
    tickets.invalidate("unknown");
    CHECK(tickets.available("a") == 0);
    CHECK(tickets.available("b") == 2);
    tickets.invalidate();
    CHECK(tickets.available("b") == 0);
    CHECK(tickets.available("c") == 0);
    const std::string fresh = co_await tickets.get("a");

    CHECK(fresh == "a4");
    CHECK(tickets.statistics().discarded == 6);
  });
}

// A ticket for "a" needs one for "b", and so on up to "d"; that one needs one for `last`.
Task<Batch> nested(std::optional<Tickets>& tickets, const std::string& key, std::string last) {
  const std::string next = key == "d" ? last : std::string(1, static_cast<char>(key[0] + 1));
  if (key == "z") co_return Batch(1, "z");
  const std::string inner = co_await tickets->get(next);
  co_return Batch(1, key + inner);
}

TEST_CASE("KeyedBatchCache: a refill may get another key, but none that waits for it [B-05]") {
  run_async([]() -> Task<void> {
    for (const std::string last : {"z", "a", "b", "d"}) {
      std::optional<Tickets> tickets;
      tickets.emplace(10, named(1, "tickets"), [&](const std::string& key, std::size_t) {
        return nested(tickets, key, last);
      });

      const std::string told = co_await outcome(*tickets, "a");

      if (last == "z") {
        CHECK(told == "abcdz");
      } else if (last == "d") {
        CHECK(told == "get() from inside the refill of the same BatchCache");
      } else {
        CHECK(told == "get() would wait for itself: the refill of BatchCache \"tickets['" + last +
                          "']\" waits for the one that calls it");
      }
    }
  });
}

TEST_CASE("KeyedBatchCache: who waits when it is destroyed gets an error [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Tickets> tickets(std::in_place, std::size_t{10}, named(2, "tickets"), &print);
    const TaskHandle<std::string> a = spawn(outcome(*tickets, "a"));
    const TaskHandle<std::string> b = spawn(outcome(*tickets, "b"));
    co_await turns(3);

    tickets.reset();
    const std::string of_a = co_await a;
    const std::string of_b = co_await b;

    CHECK(of_a == "the BatchCache was destroyed while waited for");
    CHECK(of_b == of_a);
  });
}

TEST_CASE("KeyedBatchCache: the key that a refill was given lives as long as the refill") {
  run_async([]() -> Task<void> {
    static std::string seen;
    const auto slow = [](const std::string& key, std::size_t) -> Task<Batch> {
      co_await thrown_by(turns(5));  // Swallows its cancel.
      seen = key;
      co_return Batch(1, key);
    };
    std::optional<Tickets> tickets(std::in_place, std::size_t{1}, named(1, "tickets"), slow);
    const std::string key = "a key that is too long to be stored in place";
    const TaskHandle<std::string> getter = spawn(outcome(*tickets, key));
    co_await turns(3);

    tickets.reset();
    co_await wait_done(getter);
    co_await turns(10);

    CHECK(seen == key);
  });
}

TEST_CASE("KeyedBatchCache: prints its name and how many keys it has; reports name the key") {
  run_async([]() -> Task<void> {
    Tickets tickets(10, named(2, "tickets"), &print);
    Tickets unnamed(1, named(2, ""), &print);
    const TaskHandle<std::string> getter = spawn(get(tickets, "a"));
    co_await turns(3);
    std::ostringstream out;
    out << tickets;

    CHECK(out.str() == "<KeyedBatchCache \"tickets\" 1 of 10 keys>");
    CHECK(unnamed.to_string() == "<KeyedBatchCache 0 of 1 keys>");
    CHECK(getter.context().waits_for() == "BatchCache \"tickets['a']\"");
    co_await getter;
  });
}

TEST_CASE("KeyedBatchCache: one without keys, or with options that do not fit, is refused") {
  BatchCacheOptions wrong(2);
  wrong.low_water = 3;

  CHECK_THROWS_WITH_AS(Tickets(0, 2, &print), "KeyedBatchCache of 0 keys: at least 1 is needed",
                       std::invalid_argument);
  CHECK_THROWS_AS(Tickets(1, wrong, &print), std::invalid_argument);
}

// What a KeyedBatchCache should do, said once more: when each of the keys it has was last used, and
// the items it has; and getters that hold some of the keys by a refill that does not end.
class Model {
 public:
  static constexpr int kKeys = 20;  // that there are
  static constexpr std::size_t kMaxKeys = 8;
  static constexpr int kBatch = 4;
  struct Key {
    std::uint64_t used = 0;  // The number of its last use; 0 if the key is not there.
    std::size_t items = 0;
    bool held = false;
    bool stale = false;  // Invalidated while held.
  };

  Key& at(int key) { return keys_[static_cast<std::size_t>(key)]; }
  std::size_t size() const { return size_; }

  Key& use(int number) {
    Key& key = at(number);
    if (key.used == 0) {
      make_room();
      ++size_;
    }
    key.used = ++uses_;
    return key;
  }

 private:
  void make_room() {
    for (std::size_t looks = size_; looks > 0 && size_ >= kMaxKeys; --looks) {
      Key* oldest = nullptr;
      for (Key& key : keys_)
        if (key.used > 0 && (oldest == nullptr || key.used < oldest->used)) oldest = &key;
      if (oldest->held) {
        oldest->used = ++uses_;
      } else {
        *oldest = Key();
        --size_;
      }
    }
  }

  std::array<Key, kKeys> keys_;
  std::size_t size_ = 0;
  std::uint64_t uses_ = 0;
};

struct World {
  std::array<bool, Model::kKeys> held = {};  // Refills of these keys do not end.
  int refills = 0;
};

Task<std::vector<int>> refill(World& world, const int& key, std::size_t size) {
  ++world.refills;
  while (world.held[static_cast<std::size_t>(key)]) co_await yield_now();
  co_return std::vector<int>(size, key);
}

TEST_CASE("KeyedBatchCache: random operations are those of a model [B-07]") {
  run_async([]() -> Task<void> {
    using Cache = KeyedBatchCache<int, int>;
    const auto get_one = [](Cache& own, int key) -> Task<int> { co_return co_await own.get(key); };
    std::mt19937 random(test_seed());
    const auto below = [&](std::size_t n) { return static_cast<int>(random() % n); };
    World world;
    Cache cache(Model::kMaxKeys, std::size_t{Model::kBatch},
                [&](const int& key, std::size_t size) { return refill(world, key, size); });
    Model model;
    std::vector<std::pair<int, TaskHandle<int>>> holders;
    int refills = 0;
    int wrong = 0;

    for (int i = 0; i < 250'000 && wrong == 0; ++i) {
      const int key = below(Model::kKeys);
      const int what = below(100);
      Model::Key& known = model.at(key);
      if (what == 0) {
        cache.invalidate(key);
        known.items = 0;
        known.stale = known.held;
      } else if (what == 1 && holders.size() < 12 && known.items == 0 && !known.held) {
        world.held[static_cast<std::size_t>(key)] = true;
        holders.emplace_back(key, spawn(get_one(cache, key)));
        co_await turns(3);
        model.use(key).held = true;
        ++refills;
      } else if (what == 2 && !holders.empty()) {
        const auto chosen = holders.begin() + below(holders.size());
        world.held[static_cast<std::size_t>(chosen->first)] = false;
        const int item = co_await chosen->second;
        co_await turns(3);  // The refill ends.
        if (item != chosen->first) ++wrong;
        Model::Key& released = model.at(chosen->first);
        released.items = released.stale ? 0 : Model::kBatch - 1;
        released.held = released.stale = false;
        holders.erase(chosen);
      } else if (!known.held) {
        const int item = co_await cache.get(key);
        model.use(key);
        if (known.items == 0) {
          ++refills;
          known.items = Model::kBatch;
        }
        --known.items;
        if (item != key) ++wrong;
      }
      if (cache.keys() != model.size() || world.refills != refills ||
          cache.available(key) != known.items)
        ++wrong;
    }

    CHECK(wrong == 0);
    CHECK(refills > 1000);
    const BatchCacheStatistics statistics = cache.statistics();
    CHECK(statistics.refills == static_cast<std::uint64_t>(refills));
    CHECK(statistics.discarded > 1000);
    for (auto& [key, holder] : holders) {
      world.held[static_cast<std::size_t>(key)] = false;
      const int item = co_await holder;
      CHECK(item == key);
    }
  });
}

}  // namespace
}  // namespace brigade
