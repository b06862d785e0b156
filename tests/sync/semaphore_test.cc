#include "brigade/sync/semaphore.h"

#include <algorithm>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Permit = Semaphore::Permit;

// Notes when it has the permit, and keeps it for a while.
Task<void> hold(Semaphore& semaphore, std::string& log, char letter, Nanoseconds duration = 0s) {
  const Permit permit = co_await semaphore.acquire();
  log += letter;
  if (duration > 0s) co_await sleep(duration);
}

Task<void> hold_silently(Semaphore& semaphore) {
  const Permit permit = co_await semaphore.acquire();
}

Task<void> hold_then_fail(Semaphore& semaphore) {
  const Permit permit = co_await semaphore.acquire();
  throw std::runtime_error("while holding");
}

TEST_CASE("Semaphore: as many hold a permit at a time as there are permits") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(2);
    std::string log;
    for (const char letter : {'a', 'b', 'c', 'd', 'e'})
      detach(spawn(hold(semaphore, log, letter, 1s)));

    co_await yield_now();
    CHECK(log == "ab");
    CHECK(semaphore.available() == 0);
    co_await sleep(1500ms);
    CHECK(log == "abcd");
    co_await sleep(10s);

    CHECK(log == "abcde");
    CHECK(semaphore.available() == 2);
  });
}

TEST_CASE("Semaphore: a free permit is taken without a turn") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);
    std::string log;
    detach(spawn(hold_silently(semaphore)));

    const Permit permit = co_await semaphore.acquire();

    CHECK(semaphore.available() == 0);
  });
}

TEST_CASE("Semaphore: waiters are served in FIFO order, and nobody barges in [L-01]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);
    std::string log;
    Permit held = co_await semaphore.acquire();
    const TaskHandle<void> waiter = spawn(hold(semaphore, log, 'w', 1s));
    co_await yield_now();

    held.release();
    co_await hold(semaphore, log, 'n');  // Arrives between the release and the wake-up.

    CHECK(log == "wn");
    co_await waiter;
  });
}

TEST_CASE("Semaphore: the permit changes hands, it is never free in between [L-01]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);
    std::string log;
    Permit held = co_await semaphore.acquire();
    const TaskHandle<void> waiter = spawn(hold(semaphore, log, 'w', 1s));
    co_await yield_now();

    held.release();

    CHECK(semaphore.available() == 0);
    CHECK(log == "");  // release() runs nobody.
    co_await waiter;
    CHECK(semaphore.available() == 1);
  });
}

TEST_CASE("Semaphore: a cancel that comes after the hand-over loses no permit [L-02]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);
    std::string log;
    Permit held = co_await semaphore.acquire();
    const TaskHandle<void> granted = spawn(hold(semaphore, log, 'g', 1s));
    const TaskHandle<void> next = spawn(hold(semaphore, log, 'n', 1s));
    co_await yield_now();

    held.release();    // Granted, but not resumed yet.
    granted.cancel();  // Too late for acquire(); due at the next suspension.
    co_await wait_done(granted);
    co_await next;

    CHECK(log == "gn");
    CHECK(granted.status() == TaskStatus::kCancelled);
    CHECK(Loop::current().now() == TimePoint(1s));
    CHECK(semaphore.available() == 1);
  });
}

TEST_CASE(
    "Semaphore: cancel of the head, release and a newcomer in one turn strand nobody [L-03]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);
    std::string log;
    Permit held = co_await semaphore.acquire();
    const TaskHandle<void> head = spawn(hold(semaphore, log, 'h', 1s));
    const TaskHandle<void> second = spawn(hold(semaphore, log, 's', 1s));
    co_await yield_now();

    head.cancel();
    held.release();
    co_await hold(semaphore, log, 'n');  // The newcomer, in the same turn.
    co_await wait_done(second);

    CHECK(log == "sn");
    CHECK(head.status() == TaskStatus::kCancelled);
    CHECK(second.status() == TaskStatus::kFinished);
    CHECK(semaphore.available() == 1);
  });
}

TEST_CASE("Semaphore: cancel of the only waiter, then release, leaves the permit free [L-03]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);
    std::string log;
    Permit held = co_await semaphore.acquire();
    const TaskHandle<void> waiter = spawn(hold(semaphore, log, 'w'));
    co_await yield_now();

    waiter.cancel();
    held.release();

    CHECK(semaphore.available() == 1);
    co_await wait_done(waiter);
    CHECK(log == "");
  });
}

TEST_CASE("Semaphore: a permit may be moved; the one moved from owns nothing [L-07]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(2);

    std::optional<Permit> first(co_await semaphore.acquire());
    Permit second = std::move(*first);
    first.reset();
    CHECK(semaphore.available() == 1);
    Permit third = co_await semaphore.acquire();
    CHECK(semaphore.available() == 0);
    third = std::move(second);  // Releases what `third` held.
    CHECK(semaphore.available() == 1);
    third.release();

    CHECK(semaphore.available() == 2);
  });
}

TEST_CASE("Semaphore: a permit is released when an exception leaves its scope [L-07]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(1);

    const std::string thrown = co_await thrown_by(hold_then_fail(semaphore));

    CHECK(thrown == "std::runtime_error('while holding')");
    CHECK(semaphore.available() == 1);
  });
}

TEST_CASE("Semaphore: closing the loop releases what its tasks hold and wait for [L-07]") {
  Semaphore semaphore(1);
  std::string log;
  {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    detach(loop.spawn(hold(semaphore, log, 'h', 1h)));
    detach(loop.spawn(hold(semaphore, log, 'w', 1h)));
    detach(loop.spawn(hold(semaphore, log, 'v', 1h)));
    loop.run_until_complete(turns(2));
    CHECK(semaphore.available() == 0);

    close_and_check(loop);
  }

  CHECK(log == "h");
  CHECK(semaphore.available() == 1);
}

TEST_CASE("Semaphore: a permit may outlive it [L-07]") {
  run_async([]() -> Task<void> {
    std::optional<Semaphore> semaphore(std::in_place, std::size_t{2});
    Permit released = co_await semaphore->acquire();
    const Permit destroyed = co_await semaphore->acquire();

    semaphore.reset();

    released.release();
  });
}

TEST_CASE("Semaphore: who waits when it is destroyed gets an error [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Semaphore> semaphore(std::in_place, std::size_t{1});
    const Permit held = co_await semaphore->acquire();
    const auto attempt = [](Semaphore& own) -> Task<std::string> {
      co_return co_await thrown_by(hold_silently(own));
    };
    const TaskHandle<std::string> first = spawn(attempt(*semaphore));
    const TaskHandle<std::string> second = spawn(attempt(*semaphore));
    co_await yield_now();

    semaphore.reset();
    const std::string told_first = co_await first;
    const std::string told_second = co_await second;

    CHECK(told_first == "std::logic_error('a Semaphore was destroyed while waited for')");
    CHECK(told_second == told_first);
  });
}

TEST_CASE("Semaphore: a permit granted before it was destroyed is owned [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Semaphore> semaphore(std::in_place, std::size_t{1});
    std::string log;
    Permit held = co_await semaphore->acquire();
    const TaskHandle<void> granted = spawn(hold(*semaphore, log, 'g', 1s));
    co_await yield_now();

    held.release();
    semaphore.reset();
    co_await granted;

    CHECK(log == "g");
  });
}

TEST_CASE("Semaphore: releasing a permit twice is a broken check [L-06]") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Semaphore semaphore(1);
          Permit permit = co_await semaphore.acquire();
          permit.release();
          permit.release();
        });
      },
      "a permit was released twice");
}

TEST_CASE("Semaphore: one of 0 permits is refused") {
  CHECK_THROWS_WITH_AS(Semaphore(0), "Semaphore of 0 permits: at least 1 is needed",
                       std::invalid_argument);
}

TEST_CASE(
    "Semaphore: three hundred thousand waiters are cancelled in random order; memory returns "
    "[L-09]") {
  run_async([]() -> Task<void> {
    constexpr int kWaiters = kSanitized ? 20'000 : 300'000;  // One by one, at O(1) each.
    std::mt19937 random(11);
    Semaphore semaphore(1);
    Permit held = co_await semaphore.acquire();
    const std::size_t frames = Loop::current().ledger().frames;
    std::vector<TaskHandle<void>> waiters;
    for (int i = 0; i < kWaiters; ++i) waiters.push_back(spawn(hold_silently(semaphore)));
    const TaskHandle<void> last = spawn(hold_silently(semaphore));
    co_await yield_now();
    std::ranges::shuffle(waiters, random);
    CHECK(semaphore.waiting() == kWaiters + 1);

    for (const auto& waiter : waiters) waiter.cancel();
    CHECK(semaphore.waiting() == 1);
    co_await yield_now();

    CHECK(std::ranges::all_of(
        waiters, [](const auto& waiter) { return waiter.status() == TaskStatus::kCancelled; }));
    held.release();
    co_await last;
    CHECK(semaphore.available() == 1);
    waiters.clear();
    CHECK(Loop::current().ledger().frames == frames + 1);  // The context of `last`.
  });
}

Task<void> hold_many(Semaphore& semaphore, std::string& log, char letter, std::size_t count,
                     Nanoseconds duration) {
  const Permit permit = co_await semaphore.acquire(count);
  log += letter;
  co_await sleep(duration);
}

TEST_CASE("Semaphore: small requests neither overtake nor starve a large one [L-05]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(3);
    std::string log;
    detach(spawn(hold_many(semaphore, log, 'a', 1, 1s)));
    detach(spawn(hold_many(semaphore, log, 'b', 1, 2s)));
    detach(spawn(hold_many(semaphore, log, 'L', 3, 1s)));
    for (const char letter : {'c', 'd', 'e'})
      detach(spawn(hold_many(semaphore, log, letter, 1, 1s)));

    co_await turns(1);
    CHECK(log == "ab");
    CHECK(semaphore.available() == 0);  // The third is set aside.
    CHECK(semaphore.waiting() == 4);
    co_await sleep(1500ms);
    CHECK(log == "ab");
    co_await sleep(1s);
    CHECK(log == "abL");
    co_await sleep(1s);
    CHECK(log == "abLcde");
    co_await sleep(1s);

    CHECK(semaphore.available() == 3);
  });
}

TEST_CASE("Semaphore: a large request that is cancelled leaves what was set aside [L-05]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(3);
    std::string log;
    const Permit held = co_await semaphore.acquire();
    const TaskHandle<void> large = spawn(hold_many(semaphore, log, 'L', 3, 1s));
    const TaskHandle<void> two = spawn(hold_many(semaphore, log, 't', 2, 1s));
    const TaskHandle<void> one = spawn(hold_many(semaphore, log, 'o', 1, 1s));
    co_await yield_now();

    large.cancel();
    co_await wait_done(large);

    CHECK(log == "t");
    CHECK(semaphore.waiting() == 1);
    co_await two;
    co_await one;
    CHECK(log == "to");
    CHECK(semaphore.available() == 2);
  });
}

TEST_CASE("Semaphore: a large request that is cancelled alone frees what was set aside [L-05]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(3);
    std::string log;
    const Permit held = co_await semaphore.acquire();
    const TaskHandle<void> large = spawn(hold_many(semaphore, log, 'L', 3, 1s));
    co_await yield_now();
    CHECK(semaphore.available() == 0);

    large.cancel();

    CHECK(semaphore.available() == 2);
    co_await wait_done(large);
    CHECK(semaphore.available() == 2);
  });
}

TEST_CASE("Semaphore: one release serves as many waiters as it has permits for [L-05]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(5);
    std::string log;
    Permit all = co_await semaphore.acquire(5);
    for (const char letter : {'a', 'b', 'c'})
      detach(spawn(hold_many(semaphore, log, letter, 2, 1s)));
    co_await yield_now();

    all.release();
    co_await yield_now();

    CHECK(log == "ab");
    co_await sleep(3s);
    CHECK(log == "abc");
    CHECK(semaphore.available() == 5);
  });
}

TEST_CASE("Semaphore: acquire() of none, or of more than there are, is an error [L-05]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(3);

    CHECK_THROWS_WITH_AS(static_cast<void>(semaphore.acquire(4)),
                         "acquire(4) from a Semaphore of 3", std::invalid_argument);
    CHECK_THROWS_WITH_AS(static_cast<void>(semaphore.acquire(0)),
                         "acquire(0) from a Semaphore of 3", std::invalid_argument);
    const Permit all = co_await semaphore.acquire(3);
    CHECK(semaphore.available() == 0);
  });
}

TEST_CASE("Semaphore: a permit keeps its weight when it is moved [L-07]") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(3);

    std::optional<Permit> two(co_await semaphore.acquire(2));
    Permit one = co_await semaphore.acquire();
    one = std::move(*two);
    CHECK(semaphore.available() == 1);
    two.reset();
    one.release();

    CHECK(semaphore.available() == 3);
  });
}

TEST_CASE("Semaphore: prints its name, what is free and who waits") {
  run_async([]() -> Task<void> {
    Semaphore named(3, "connections");
    const Semaphore unnamed(2);
    const Permit all = co_await named.acquire(3);
    const TaskHandle<void> waiter = spawn(hold_silently(named));
    co_await yield_now();

    CHECK(named.to_string() == "<Semaphore \"connections\" 0 of 3 free, 1 waiting>");
    CHECK(repr(unnamed) == "<Semaphore 2 of 2 free>");
    CHECK(waiter.context().waits_for() == "Semaphore \"connections\"");
    waiter.cancel();
  });
}

}  // namespace
}  // namespace brigade
