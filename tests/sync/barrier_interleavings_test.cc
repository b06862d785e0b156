#include <map>
#include <optional>

#include "brigade/runtime/sleep.h"
#include "brigade/sync/barrier.h"
#include "brigade/tests/sync/interleavings.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

enum class Break { kNever, kAbort, kReset };

struct Plan {
  std::size_t parties = 2;
  int waiters = 3;
  int waits = 1;  // of each
  int cancels = 1;
  Break how = Break::kNever;
  bool timed = false;  // All but one have a deadline, at the instant the last one comes.
};

// Tasks that meet at a barrier, one that breaks it and one that cancels.
class BarrierProgram final : public Program {
 public:
  explicit BarrierProgram(const Plan& plan) : plan_(plan), barrier_(plan.parties) {}

  void start() override {
    for (int i = 0; i < plan_.waiters; ++i) {
      Actor& actor = add_actor();
      act(actor, !plan_.timed ? wait(actor) : i == 0 ? wait_later(actor) : in_time(wait(actor)));
    }
    if (plan_.how != Break::kNever) add(break_it());
    add_canceller(plan_.cancels, plan_.timed ? kInstant : TimePoint());
    add(end());
  }

  void between_steps() override {
    require(barrier_.waiting() == waiting(), "those who wait stand in the queue, and no others");
    require(waiting() < plan_.parties, "nobody waits in a round that is full");
    require(!barrier_.broken() || waiting() == 0, "nobody waits at a broken barrier");
  }

  Task<void> afterwards() override {
    require(passed_.size() % plan_.parties == 0, "a round lets all of its tasks pass");
    std::size_t place = 0;
    for (const auto& [arrival, index] : passed_)
      require(index == place++ % plan_.parties, "the tasks of a round are counted as they came");
    require(barrier_.waiting() == 0, "nobody waits in the end");
    barrier_.reset();
    require(!barrier_.broken(), "the barrier can be reset");
    const std::size_t passed = passed_.size();
    for (std::size_t i = 0; i < plan_.parties; ++i) {
      Actor& actor = add_actor();
      act(actor, wait(actor));
    }
    co_await yield_now();
    co_await yield_now();
    require(passed_.size() >= passed + plan_.parties, "the barrier can be used again");
    barrier_.abort();
    co_await yield_now();
  }

 private:
  Task<void> wait(Actor& actor) {
    for (int i = 0; i < plan_.waits; ++i) {
      asks(actor);
      const std::size_t arrival = actor.arrival;
      std::optional<std::size_t> index;
      try {
        index = co_await barrier_.wait();
      } catch (const BrokenBarrierError&) {
        require(was_broken_, "it is broken only by who breaks it");
      }
      actor.over = true;
      if (index) passed_[arrival] = *index;
    }
  }

  Task<void> wait_later(Actor& actor) {
    co_await sleep_until(kInstant);
    co_await wait(actor);
  }

  Task<void> break_it() {
    was_broken_ = true;
    if (plan_.how == Break::kAbort)
      barrier_.abort();
    else
      barrier_.reset();
    co_return;
  }

  Task<void> end() {
    co_await sleep_until(kEnd);
    was_broken_ = true;
    barrier_.abort();
  }

  const Plan plan_;
  Barrier barrier_;
  bool was_broken_ = false;
  std::map<std::size_t, std::size_t> passed_;  // Arrival to index.
};

void check_all(const Plan& plan, std::size_t schedules) {
  check_every_order<BarrierProgram>(schedules, plan);
}

TEST_CASE("Barrier: every order is lawful, whoever is cancelled and when") {
  check_all({2, 4, 1, 1}, 12'528);
  check_all({3, 4, 1, 1}, 23'904);
  check_all({2, 3, 2, 1}, 3'000);
  check_all({2, 3, 2, 2}, 27'534);
}

TEST_CASE("Barrier: every order is lawful, whenever it is broken") {
  check_all({2, 3, 2, 0, Break::kAbort}, 1'476);
  check_all({2, 3, 2, 0, Break::kReset}, 2'130);
  check_all({2, 3, 1, 1, Break::kAbort}, 6'192);
  check_all({3, 3, 1, 1, Break::kReset}, 13'512);
  check_all({2, 3, 2, 1, Break::kReset}, 40'248);
}

TEST_CASE("Barrier: every order at a deadline is lawful") {
  check_all({2, 3, 1, 1, Break::kNever, true}, 480);
  check_all({3, 4, 1, 0, Break::kNever, true}, 504);
}

}  // namespace
}  // namespace brigade
