#include "brigade/runtime/sleep.h"
#include "brigade/sync/event.h"
#include "brigade/tests/sync/interleavings.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

struct Plan {
  int waiters = 3;
  int waits = 1;  // of each
  int setters = 1;
  int clearers = 1;
  int cancels = 1;
  bool timed = false;  // The first waiters have a deadline, when all the rest happens.
};

// Tasks that wait for an event that others set and clear.
class EventProgram final : public Program {
 public:
  explicit EventProgram(const Plan& plan) : plan_(plan) {}

  void start() override {
    for (int i = 0; i < plan_.waiters; ++i) {
      Actor& actor = add_actor();
      act(actor, plan_.timed && i > 0 ? in_time(wait(actor)) : wait(actor));
    }
    for (int i = 0; i < plan_.setters; ++i) add(set());
    for (int i = 0; i < plan_.clearers; ++i) add(clear());
    add_canceller(plan_.cancels, plan_.timed ? kInstant : TimePoint());
    add(end());
  }

  void between_steps() override {
    require(event_.waiting() == waiting(), "those who wait stand in the queue, and no others");
    require(!event_.is_set() || waiting() == 0, "nobody waits while it is set");
  }

  Task<void> afterwards() override {
    require(event_.waiting() == 0, "nobody waits in the end");
    event_.set();
    co_await event_.wait();
    event_.clear();
    require(!event_.is_set(), "the event can be used again");
  }

 private:
  Task<void> wait(Actor& actor) {
    for (int i = 0; i < plan_.waits; ++i) {
      asks(actor);
      const std::size_t sets = sets_;
      const bool was_set = event_.is_set();
      co_await event_.wait();
      require(was_set || sets_ > sets, "a wait returns only if it was set");
      actor.over = true;
    }
  }

  Task<void> set() {
    if (plan_.timed) co_await sleep_until(kInstant);
    set_now();
  }

  void set_now() {
    ++sets_;
    look();
    const std::size_t woken_before = woken();
    const std::size_t waited = waiting();
    event_.set();
    look();
    require(waiting() == 0 && woken() == woken_before + waited, "set() wakes all who wait");
  }

  std::size_t woken() {
    std::size_t count = 0;
    for (const Actor& actor : actors()) count += actor.woken() ? 1 : 0;
    return count;
  }

  Task<void> clear() {
    if (plan_.timed) co_await sleep_until(kInstant);
    event_.clear();
  }

  Task<void> end() {
    co_await sleep_until(kEnd);
    set_now();
  }

  const Plan plan_;
  Event event_;
  std::size_t sets_ = 0;
};

void check_all(const Plan& plan, std::size_t schedules) {
  check_every_order<EventProgram>(schedules, plan);
}

TEST_CASE("Event: every order is lawful, whoever is cancelled and when") {
  check_all({3, 1, 1, 1, 0}, 5'928);
  check_all({2, 2, 1, 1, 1}, 4'214);
  check_all({2, 1, 1, 1, 2}, 27'324);
  check_all({2, 1, 2, 1, 1}, 35'948);
}

TEST_CASE("Event: every order at a deadline is lawful") {
  check_all({2, 1, 1, 0, 1, true}, 2'520);
  check_all({2, 2, 1, 1, 0, true}, 1'440);
  check_all({3, 1, 1, 1, 0, true}, 43'200);
}

}  // namespace
}  // namespace brigade
