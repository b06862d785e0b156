#include <map>
#include <stdexcept>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/tests/sync/interleavings.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

struct Plan {
  int getters = 3;
  int cancels = 1;
  int invalidations = 0;
  bool fails = false;  // A refill may, and may bring fewer or more than asked for.
  std::size_t low_water = 0;
  bool timed = false;  // All but one getter has a deadline, when the refill ends.
};

// Tasks that get from batches of two.
class CacheProgram final : public Program {
 public:
  explicit CacheProgram(const Plan& plan)
      : plan_(plan), cache_(options(plan), [this](std::size_t size) { return refill(size); }) {}

  void start() override {
    for (int i = 0; i < plan_.getters; ++i) {
      Actor& actor = add_actor();
      act(actor, plan_.timed && i > 0 ? in_time(get(actor)) : get(actor));
    }
    for (int i = 0; i < plan_.invalidations; ++i) add(invalidate());
    add_canceller(plan_.cancels, plan_.timed ? kInstant : TimePoint());
  }

  void between_steps() override {
    require(cache_.available() == 0 || waiting() == 0, "nobody waits while there is an item");
    require(waiting() == 0 || cache_.to_string().ends_with("refilling>"),
            "nobody waits without a refill");
    require_fifo();
  }

  Task<void> afterwards() override {
    require(refilling_ == 0, "no refill runs in the end");
    int last = 0;
    for (const auto& [arrival, item] : got_) {
      require(item > last, "items are handed out once, in the order of the batches");
      last = item;
    }
    require(got_.size() + cache_.available() + cache_.statistics().discarded == made_,
            "no item is lost");
    settled_ = true;
    for (std::size_t left = cache_.available() + 1; left > 0; --left) {
      const int item = co_await cache_.get();
      require(item > last, "the cache can be used again");
      last = item;
    }
  }

 private:
  static BatchCacheOptions options(const Plan& plan) {
    BatchCacheOptions options(2);
    options.low_water = plan.low_water;
    return options;
  }

  class Refilling {
   public:
    explicit Refilling(CacheProgram& program) : program_(program) {
      program_.require(++program_.refilling_ == 1, "one refill runs at a time");
    }
    ~Refilling() { --program_.refilling_; }
    Refilling(const Refilling&) = delete;
    Refilling& operator=(const Refilling&) = delete;

   private:
    CacheProgram& program_;
  };

  Task<void> fetched() {
    if (plan_.timed) co_await sleep_until(kInstant);
  }

  Task<std::vector<int>> refill(std::size_t size) {
    const Refilling refilling(*this);
    const std::size_t epoch = epoch_;
    const TaskHandle<void> fetch = spawn(fetched());
    co_await wait_done(fetch);  // Keeps a cancel that comes when it has ended due.
    if (plan_.fails && !settled_) {
      const std::size_t outcome = pick(3);
      failed_ = failed_ || outcome == 0;
      if (outcome == 0) throw std::runtime_error("out of oil");
      size = outcome == 1 ? 1 : 3;
    }
    std::vector<int> items;
    for (; size > 0; --size) {
      items.push_back(static_cast<int>(++made_));
      epochs_[items.back()] = epoch;
    }
    co_return items;
  }

  Task<void> get(Actor& actor) {
    asks(actor);
    const std::size_t arrival = actor.arrival;
    const std::size_t epoch = epoch_;
    try {
      const int item = co_await cache_.get();
      actor.over = true;
      got_[arrival] = item;
      require(epochs_[item] >= epoch, "nothing of before invalidate() is handed out after it");
    } catch (const std::runtime_error&) {
      actor.over = true;
      require(failed_, "a get fails only if a refill did");
    }
  }

  Task<void> invalidate() {
    cache_.invalidate();
    ++epoch_;
    co_return;
  }

  const Plan plan_;
  int refilling_ = 0;
  bool failed_ = false;
  bool settled_ = false;
  std::size_t made_ = 0;
  std::size_t epoch_ = 0;
  std::map<int, std::size_t> epochs_;  // Of items: when their refill began.
  std::map<std::size_t, int> got_;     // Item by arrival.
  BatchCache<int> cache_;
};

void check_all(const Plan& plan, std::size_t schedules) {
  check_every_order<CacheProgram>(schedules, plan);
}

TEST_CASE("BatchCache: every order is lawful, whoever is cancelled and when") {
  check_all({2, 1}, 424);
  check_all({2, 2}, 6'094);
  check_all({3, 1}, 46'110);
}

TEST_CASE("BatchCache: every order is lawful, whatever the refill comes to") {
  check_all({2, 1, 0, true}, 2'726);
  check_all({3, 0, 0, true}, 27'294);
}

TEST_CASE("BatchCache: every order is lawful, whenever it is invalidated") {
  check_all({2, 1, 1}, 5'290);
  check_all({2, 1, 1, true}, 33'210);
  check_all({2, 0, 2}, 1'960);
}

TEST_CASE("BatchCache: every order with a refill ahead of need is lawful") {
  check_all({2, 1, 0, false, 1}, 904);
  check_all({2, 1, 1, false, 2}, 50'064);
  check_all({2, 0, 1, true, 2}, 20'844);
}

TEST_CASE("BatchCache: every order at a deadline is lawful") {
  check_all({2, 1, 0, false, 0, true}, 1'770);
  check_all({2, 0, 1, true, 1, true}, 5'976);
}

}  // namespace
}  // namespace brigade
