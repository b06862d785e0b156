#include "brigade/sync/event.h"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> await_event(Event& event) { co_await event.wait(); }

Task<void> note(Event& event, std::string& log, char letter) {
  co_await event.wait();
  log += letter;
}

Task<std::string> outcome(Event& event) { co_return co_await thrown_by(await_event(event)); }

TEST_CASE("Event: set() lets all who wait go, in FIFO order, and runs nobody") {
  run_async([]() -> Task<void> {
    Event event;
    std::string log;
    for (const char letter : {'a', 'b', 'c'}) detach(spawn(note(event, log, letter)));
    co_await yield_now();
    CHECK(event.waiting() == 3);

    event.set();

    CHECK(log == "");
    CHECK(event.waiting() == 0);
    co_await yield_now();
    CHECK(log == "abc");
    CHECK(event.is_set());
  });
}

TEST_CASE("Event: who comes while it is set does not wait; after clear() he does") {
  run_async([]() -> Task<void> {
    Event event;
    std::string log;
    event.set();
    co_await note(event, log, 'a');
    event.clear();
    CHECK_FALSE(event.is_set());

    const TaskHandle<void> late = spawn(note(event, log, 'b'));
    co_await turns(5);
    CHECK(log == "a");
    event.set();
    co_await late;

    CHECK(log == "ab");
  });
}

TEST_CASE("Event: set() wakes who waits even if it is cleared before they run") {
  run_async([]() -> Task<void> {
    Event event;
    std::string log;
    const TaskHandle<void> early = spawn(note(event, log, 'e'));
    co_await yield_now();

    event.set();
    event.clear();
    const TaskHandle<void> late = spawn(note(event, log, 'l'));
    co_await turns(5);

    CHECK(log == "e");
    CHECK(late.context().waits_for() == "an Event");
    late.cancel();
  });
}

TEST_CASE("Event: a cancelled wait() leaves the others alone") {
  run_async([]() -> Task<void> {
    Event event;
    std::string log;
    const TaskHandle<void> first = spawn(note(event, log, 'a'));
    const TaskHandle<void> second = spawn(note(event, log, 'b'));
    co_await yield_now();

    first.cancel();
    CHECK(event.waiting() == 1);
    event.set();
    co_await second;

    CHECK(log == "b");
    CHECK(first.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("Event: a wait() that set() has ended returns, cancelled afterwards or not") {
  run_async([]() -> Task<void> {
    Event event;
    std::string log;
    const TaskHandle<void> waiter = spawn(note(event, log, 'w'));
    co_await yield_now();

    event.set();
    waiter.cancel();
    co_await wait_done(waiter);

    CHECK(log == "w");
    CHECK(waiter.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("Event: a deadline ends the wait, and the event works on") {
  run_async([]() -> Task<void> {
    Event event;

    const std::string told = co_await thrown_by(
        [](Event& own) -> Task<void> { co_await timeout(1s, await_event(own)); }(event));
    CHECK(told == "brigade::TimeoutError('deadline passed')");
    CHECK(event.waiting() == 0);
    event.set();

    co_await event.wait();
  });
}

TEST_CASE("Event: a task that waits for one that is set again and again lets others run") {
  run_async([]() -> Task<void> {
    Event event;
    bool other_ran = false;
    event.set();
    const auto run = [](bool& ran) -> Task<void> {
      ran = true;
      co_return;
    };
    detach(spawn(run(other_ran)));

    for (int i = 0; i < 1000; ++i) co_await event.wait();

    CHECK(other_ran);
  });
}

TEST_CASE("Event: who waits when it is destroyed gets an error; who was woken does not [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Event> event(std::in_place);
    const TaskHandle<std::string> woken = spawn(outcome(*event));
    co_await yield_now();
    event->set();
    event->clear();
    const TaskHandle<std::string> stranded = spawn(outcome(*event));
    co_await yield_now();
    const TaskHandle<std::string> late = spawn(outcome(*event));
    co_await yield_now();

    event.reset();
    const std::string told_woken = co_await woken;
    const std::string told_stranded = co_await stranded;
    const std::string told_late = co_await late;

    CHECK(told_woken == "nothing");
    CHECK(told_stranded == "std::logic_error('an Event was destroyed while waited for')");
    CHECK(told_late == told_stranded);
  });
}

TEST_CASE("Event: twenty thousand waiters are cancelled in random order [L-09]") {
  run_async([]() -> Task<void> {
    constexpr int kWaiters = 20'000;
    std::mt19937 random(7);
    Event event;
    const std::size_t frames = Loop::current().ledger().frames;
    std::vector<TaskHandle<void>> waiters;
    for (int i = 0; i < kWaiters; ++i) waiters.push_back(spawn(await_event(event)));
    co_await yield_now();
    std::ranges::shuffle(waiters, random);

    for (const auto& waiter : waiters) waiter.cancel();
    CHECK(event.waiting() == 0);
    co_await yield_now();
    waiters.clear();

    CHECK(Loop::current().ledger().frames == frames);
  });
}

TEST_CASE("Event: prints its name, its state and how many wait") {
  run_async([]() -> Task<void> {
    Event event("open");
    const TaskHandle<void> waiter = spawn(await_event(event));
    co_await yield_now();

    CHECK(event.to_string() == "<Event \"open\" not set, 1 waiting>");
    CHECK(waiter.context().waits_for() == "Event \"open\"");
    event.set();
    CHECK(repr(event) == "<Event \"open\" set>");
    CHECK(repr(Event()) == "<Event not set>");
    co_await waiter;
  });
}

}  // namespace
}  // namespace brigade
