#include "brigade/sync/lock.h"

#include <optional>
#include <string>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> visit(Lock& lock, std::string& log, char letter) {
  const Lock::Guard guard = co_await lock.acquire();
  log += letter;
  co_await yield_now();
  log += letter;
}

Task<void> lock_twice(Lock& lock) {
  const Lock::Guard first = co_await lock.acquire();
  const Lock::Guard second = co_await lock.acquire();
}

TEST_CASE("Lock: sections that await do not mix, and come in FIFO order [L-01]") {
  run_async([]() -> Task<void> {
    Lock lock;
    std::string log;

    for (const char letter : {'a', 'b', 'c'}) detach(spawn(visit(lock, log, letter)));
    co_await visit(lock, log, 'd');
    co_await turns(10);

    CHECK(log == "ddaabbcc");
    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("Lock: locked() while a guard lives") {
  run_async([]() -> Task<void> {
    Lock lock;
    CHECK_FALSE(lock.locked());
    {
      const Lock::Guard guard = co_await lock.acquire();
      CHECK(lock.locked());
    }
    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("Lock: a cancel that comes after the hand-over does not lose the lock [L-02]") {
  run_async([]() -> Task<void> {
    Lock lock;
    std::string log;
    Lock::Guard guard = co_await lock.acquire();
    const TaskHandle<void> waiter = spawn(visit(lock, log, 'w'));
    co_await yield_now();

    guard.release();
    waiter.cancel();
    co_await wait_done(waiter);

    CHECK(log == "w");
    CHECK(waiter.status() == TaskStatus::kCancelled);
    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("Lock: a task that locks twice is reported as a deadlock that names it [L-06]") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  Lock lock;

  std::string told;
  try {
    loop.run_until_complete(lock_twice(lock), "greedy");
  } catch (const DeadlockError& error) {
    told = error.what();
  }

  CHECK(told.find("nothing can wake any task:\n'greedy' waits for a Lock, 0 s, spawned at ") == 0);
  close_and_check(loop);
  CHECK_FALSE(lock.locked());
}

TEST_CASE("Lock: a report names the lock that a task waits for [L-06]") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  Lock lock("soda");

  CHECK_THROWS_WITH_AS(loop.run_until_complete(lock_twice(lock), "greedy"),
                       doctest::Contains("'greedy' waits for Lock \"soda\", 0 s, spawned at"),
                       DeadlockError);
  CHECK(repr(lock) == "<Lock \"soda\" locked, 1 waiting>");
  close_and_check(loop);
  CHECK(repr(lock) == "<Lock \"soda\" unlocked>");
}

TEST_CASE("Lock: another task may release it through the guard [L-06]") {
  run_async([]() -> Task<void> {
    Lock lock;
    const auto keep = [](Lock::Guard) -> Task<void> { co_return; };
    Lock::Guard guard = co_await lock.acquire();

    co_await spawn(keep(std::move(guard)));

    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("Lock: a guard may be held over the close of the loop [L-07]") {
  Lock lock;
  std::optional<Lock::Guard> guard;
  {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    const auto take = [](Lock& own, std::optional<Lock::Guard>& taken) -> Task<void> {
      taken.emplace(co_await own.acquire());
    };
    std::string log;
    loop.run_until_complete(take(lock, guard));
    detach(loop.spawn(visit(lock, log, 'w')));
    loop.run_until_complete(turns(2));
    CHECK(lock.waiting() == 1);

    close_and_check(loop);
    CHECK(log == "");
  }

  CHECK(repr(lock) == "<Lock locked>");
  guard.reset();
  CHECK(repr(lock) == "<Lock unlocked>");
}

TEST_CASE("Lock: who waits when it is destroyed gets an error [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Lock> lock(std::in_place);
    std::string log;
    const Lock::Guard guard = co_await lock->acquire();
    const auto attempt = [](Lock& own, std::string& letters) -> Task<std::string> {
      co_return co_await thrown_by(visit(own, letters, 'w'));
    };
    const TaskHandle<std::string> waiter = spawn(attempt(*lock, log));
    co_await yield_now();

    lock.reset();
    const std::string told = co_await waiter;

    CHECK(told == "std::logic_error('a Lock was destroyed while waited for')");
    CHECK(log == "");
  });
}

TEST_CASE("Lock: releasing a guard twice is a broken check [L-06]") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Lock lock;
          Lock::Guard guard = co_await lock.acquire();
          guard.release();
          guard.release();
        });
      },
      "a permit was released twice");
}

TEST_CASE("Lock: releasing a guard that was moved from is a broken check [L-06]") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Lock lock;
          Lock::Guard guard = co_await lock.acquire();
          const Lock::Guard owner = std::move(guard);
          guard.release();
        });
      },
      "a permit was released twice, or after it was moved from");
}

}  // namespace
}  // namespace brigade
