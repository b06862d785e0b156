#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "brigade/runtime/sleep.h"
#include "brigade/sync/queue.h"
#include "brigade/tests/sync/interleavings.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

enum class Close { kInTheEnd, kAtAnyPoint };

struct Plan {
  int putters = 2;
  int getters = 2;
  int times = 1;  // that each puts or gets
  int cancels = 1;
  Close close = Close::kInTheEnd;
  bool timed = false;  // Getters come when the putters' deadlines and the cancels do.
};

// Tasks that put and tasks that get, through a queue of one item.
class QueueProgram final : public Program {
 public:
  explicit QueueProgram(const Plan& plan) : plan_(plan) {}

  void start() override {
    for (int i = 0; i < plan_.putters; ++i) {
      Actor& actor = add_actor(1, kPutters);
      act(actor, plan_.timed ? in_time(put(actor)) : put(actor));
    }
    for (int i = 0; i < plan_.getters; ++i) {
      Actor& actor = add_actor(1, kGetters);
      act(actor, get(actor));
    }
    if (plan_.close == Close::kAtAnyPoint) add(close());
    add_canceller(plan_.cancels, plan_.timed ? kInstant : TimePoint());
    add(end());
  }

  void between_steps() override {
    const bool puts = queue_.putting() > 0, gets = queue_.getting() > 0;
    require(queue_.putting() == waiting(kPutters), "those who wait to put stand in the queue");
    require(queue_.getting() == waiting(kGetters), "those who wait to get stand in the queue");
    require(queue_.size() <= 1, "no more items than there is room for");
    require(!puts || queue_.full(), "nobody waits to put while there is room");
    require(!gets || queue_.empty(), "nobody waits to get while there are items");
    require(!queue_.closed() || (!puts && !gets), "nobody waits for a queue that is closed");
    require_fifo();
  }

  Task<void> afterwards() override {
    while (const std::optional<Item> left = queue_.try_get()) got_[SIZE_MAX] = **left;
    auto put = put_.begin();
    for (const auto& [arrival, item] : got_)
      require(put != put_.end() && item == (put++)->second, "items come out as they were put");
    require(put == put_.end(), "no item is lost");
    require(queue_.empty() && queue_.getting() == 0 && queue_.putting() == 0, "the end is empty");
    const std::optional<Item> item = co_await queue_.get();
    require(!item, "the end can be got again");
  }

 private:
  using Item = std::unique_ptr<int>;
  enum Line : std::size_t { kPutters, kGetters };

  Task<void> put(Actor& actor) {
    for (int i = 0; i < plan_.times; ++i) {
      asks(actor);
      const std::size_t arrival = actor.arrival;
      const int item = ++items_;
      try {
        co_await queue_.put(std::make_unique<int>(item));
      } catch (const QueueClosed&) {
        actor.over = true;
        require(queue_.closed(), "a put fails only if the queue is closed");
        co_return;
      }
      actor.over = true;
      put_[arrival] = item;
    }
  }

  Task<void> get(Actor& actor) {
    if (plan_.timed) co_await sleep_until(kInstant);
    for (int i = 0; i < plan_.times; ++i) {
      asks(actor);
      const std::size_t arrival = actor.arrival;
      const std::optional<Item> item = co_await queue_.get();
      actor.over = true;
      require(item || queue_.closed(), "a get ends without an item only if the queue is closed");
      if (item) got_[arrival] = **item;
    }
  }

  Task<void> close() {
    queue_.close();
    co_return;
  }

  Task<void> end() {
    co_await sleep_until(kEnd);
    queue_.close();
  }

  const Plan plan_;
  Queue<Item> queue_{1};
  int items_ = 0;
  std::map<std::size_t, int> put_;  // Item by arrival; those that were put.
  std::map<std::size_t, int> got_;
};

void check_all(const Plan& plan, std::size_t schedules) {
  check_every_order<QueueProgram>(schedules, plan);
}

TEST_CASE("Queue: every order is lawful, whoever is cancelled and when") {
  check_all({2, 2, 1, 1}, 6'316);
  check_all({3, 1, 1, 2}, 44'424);
  check_all({1, 3, 1, 1}, 9'906);
  check_all({2, 2, 2, 1}, 23'100);
}

TEST_CASE("Queue: every order is lawful, whenever it is closed") {
  check_all({2, 2, 1, 0, Close::kAtAnyPoint}, 2'996);
  check_all({1, 2, 1, 1, Close::kAtAnyPoint}, 5'362);
  check_all({2, 1, 2, 1, Close::kAtAnyPoint}, 7'868);
  check_all({2, 2, 1, 1, Close::kAtAnyPoint}, 58'792);
}

TEST_CASE("Queue: every order at a deadline is lawful") {
  check_all({2, 1, 1, 1, Close::kInTheEnd, true}, 960);
  check_all({3, 1, 1, 0, Close::kInTheEnd, true}, 720);
  check_all({2, 2, 1, 0, Close::kInTheEnd, true}, 720);
}

}  // namespace
}  // namespace brigade
