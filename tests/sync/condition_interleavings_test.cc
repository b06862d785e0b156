#include <algorithm>
#include <deque>
#include <string>

#include "brigade/runtime/sleep.h"
#include "brigade/sync/condition.h"
#include "brigade/tests/sync/interleavings.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

enum class Notify { kWithLock, kWithoutLock };

struct Plan {
  int consumers = 2;
  int producers = 2;  // of one token each
  int cancels = 1;
  Notify notify = Notify::kWithLock;
  bool timed = false;  // All but one consumer has a deadline, when tokens and cancels come.
};

// Tasks that wait for tokens, and others that bring them.
template <class AnyCondition>
class TokenProgram final : public Program {
 public:
  explicit TokenProgram(const Plan& plan) : plan_(plan) {}

  void start() override {
    for (int i = 0; i < plan_.consumers; ++i) {
      Actor& actor = add_actor();
      act(actor, plan_.timed && i > 0 ? in_time(consume(actor)) : consume(actor));
    }
    for (int i = 0; i < plan_.producers; ++i) add(produce());
    add_canceller(plan_.cancels, plan_.timed ? kInstant : TimePoint());
    add(end());
  }

  void between_steps() override {
    require(stand_in("a Condition") == condition_.waiting(), "those who wait stand in the queue");
    require(stand_in("a Lock") <= lock_.waiting(), "the notified stand in the queue of the lock");
    for (const Actor& older : actors()) {
      if (!stands_in(older, "a Condition")) continue;
      for (const Actor& newer : actors())
        require(newer.arrival <= older.arrival || stands_in(newer, "a Condition") ||
                    !newer.active() || newer.cancelled || newer.cancel_due(),
                "the oldest is notified first");
    }
  }

  Task<void> afterwards() override {
    require(condition_.waiting() == 0, "nobody waits in the end");
    require(!lock_.locked(), "the lock is free in the end");
    require(tokens_ >= 0, "no token is used twice");
    tokens_ = 0;
    Actor& actor = add_actor();
    act(actor, consume(actor));
    co_await yield_now();
    ++tokens_;
    condition_.notify();
    co_await wait_done(*actor.task);
    require(tokens_ == 0, "the condition can be used again");
  }

 private:
  static bool stands_in(const Actor& actor, const char* queue) {
    return actor.waits() && actor.waits_for == queue;
  }
  std::size_t stand_in(const char* queue) {
    return static_cast<std::size_t>(std::ranges::count_if(
        actors(), [&](const Actor& actor) { return stands_in(actor, queue); }));
  }

  // Looks that nobody else holds the lock.
  class Inside {
   public:
    explicit Inside(TokenProgram& program) : program_(program) {
      program_.require(program_.lock_.locked() && ++program_.inside_ == 1,
                       "one holds the lock after wait(), however it ended");
    }
    ~Inside() { --program_.inside_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    TokenProgram& program_;
  };

  Task<void> hold_lock() {
    const Inside inside(*this);
    co_await yield_now();
  }

  Task<void> consume(Actor& actor) {
    Lock::Guard guard = co_await lock_.acquire();
    while (tokens_ == 0) {
      bool cancelled = false;
      asks(actor);
      try {
        co_await condition_.wait(guard);
      } catch (const Cancelled&) {
        cancelled = true;
      }
      actor.over = true;
      if (!cancelled) continue;
      co_await hold_lock();
      throw Cancelled();
    }
    --tokens_;
    const Inside inside(*this);
  }

  Task<void> produce() {
    if (plan_.timed) co_await sleep_until(kInstant);
    if (plan_.notify == Notify::kWithoutLock) {
      ++tokens_;
      condition_.notify();
      co_return;
    }
    const Lock::Guard guard = co_await lock_.acquire();
    ++tokens_;
    condition_.notify();
    co_await hold_lock();
  }

  Task<void> end() {
    co_await sleep_until(kEnd);
    require(tokens_ == 0 || condition_.waiting() == 0, "nobody waits for what is there");
    tokens_ += static_cast<int>(condition_.waiting());
    condition_.notify_all();
  }

  const Plan plan_;
  Lock lock_;
  AnyCondition condition_;
  int tokens_ = 0;
  int inside_ = 0;
};

void check_all(const Plan& plan, std::size_t schedules) {
  check_every_order<TokenProgram<Condition>>(schedules, plan);
}

TEST_CASE("Condition: every order is lawful, whoever is cancelled and when") {
  check_all({2, 1, 1, Notify::kWithLock}, 1'914);
  check_all({2, 1, 1, Notify::kWithoutLock}, 674);
  check_all({2, 1, 2, Notify::kWithLock}, 18'320);
  check_all({2, 1, 2, Notify::kWithoutLock}, 6'212);
  check_all({2, 2, 1, Notify::kWithoutLock}, 5'688);
  check_all({3, 1, 1, Notify::kWithoutLock}, 12'648);
}

TEST_CASE("Condition: every order at a deadline is lawful") {
  check_all({2, 1, 1, Notify::kWithLock, true}, 4'080);
  check_all({3, 1, 0, Notify::kWithLock, true}, 600);
  check_all({2, 1, 1, Notify::kWithoutLock, true}, 3'480);
  check_all({3, 1, 0, Notify::kWithoutLock, true}, 600);
  check_all({3, 1, 1, Notify::kWithoutLock, true}, 58'320);
}

// One that loses the notify of a task that is cancelled before it has the lock again.
class LossyCondition {
 public:
  Task<void> wait(Lock::Guard& guard) {
    bool notified = false;
    waiters_.push_back(&notified);
    try {
      while (!notified) co_await all_.wait(guard);
    } catch (const Cancelled&) {
      std::erase(waiters_, &notified);
      throw;
    }
  }

  void notify() {
    if (waiters_.empty()) return;
    *waiters_.front() = true;
    waiters_.pop_front();
    all_.notify_all();
  }
  void notify_all() {
    while (!waiters_.empty()) notify();
  }
  std::size_t waiting() const noexcept { return all_.waiting(); }

 private:
  std::deque<bool*> waiters_;
  Condition all_;
};

TEST_CASE("TokenProgram: finds a notify that is lost with the task that was cancelled") {
  const Explored explored = explore<TokenProgram<LossyCondition>>(Plan{2, 1, 1});

  CHECK(explored.broken.starts_with("nobody waits for what is there"));
}

}  // namespace
}  // namespace brigade
