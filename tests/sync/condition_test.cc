#include "brigade/sync/condition.h"

#include <optional>
#include <string>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

struct Table {
  std::optional<Lock> lock{std::in_place};
  std::optional<Condition> condition{std::in_place};
  std::string log;
};

// Waits once, and notes "a" if it was notified, "ax" if cancelled, "a!" if it failed; with a "-"
// if it does not hold the lock then.
Task<void> visit(Table& table, char letter, Nanoseconds stay = 0s) {
  Lock::Guard guard = co_await table.lock->acquire();
  std::optional<Cancelled> cancelled;
  std::string told(1, letter);
  try {
    co_await table.condition->wait(guard);
  } catch (const Cancelled& error) {
    told += "x";
    cancelled = error;
  } catch (const std::logic_error&) {
    told += "!";
  }
  if (!table.lock || !table.lock->locked()) told += "-";
  table.log += told + " ";
  if (cancelled) throw *cancelled;
  if (stay > 0s) co_await sleep(stay);
  guard.release();
}

std::vector<TaskHandle<void>> spawn_visits(Table& table, const std::string& letters) {
  std::vector<TaskHandle<void>> visits;
  for (const char letter : letters) visits.push_back(spawn(visit(table, letter)));
  return visits;
}

TEST_CASE("Condition: wait() gives the lock away and has it back when it returns") {
  run_async([]() -> Task<void> {
    Table table;
    const TaskHandle<void> waiter = spawn(visit(table, 'a'));
    co_await yield_now();
    CHECK_FALSE(table.lock->locked());
    CHECK(table.condition->waiting() == 1);

    table.condition->notify();
    CHECK(table.lock->locked());  // Handed over at once.
    CHECK(table.log == "");
    co_await waiter;

    CHECK(table.log == "a ");
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: notify(n) wakes the n oldest, notify_all() all, in FIFO order") {
  run_async([]() -> Task<void> {
    Table table;
    const auto visits = spawn_visits(table, "abcde");
    co_await yield_now();

    table.condition->notify();
    co_await turns(5);
    CHECK(table.log == "a ");
    table.condition->notify(2);
    co_await turns(5);
    CHECK(table.log == "a b c ");
    CHECK(table.condition->waiting() == 2);
    table.condition->notify_all();
    co_await turns(5);

    CHECK(table.log == "a b c d e ");
    table.condition->notify_all();  // Nobody is there, and nothing is kept.
    const TaskHandle<void> late = spawn(visit(table, 'f'));
    co_await turns(5);
    CHECK(table.condition->waiting() == 1);
    late.cancel();
    co_await wait_done(late);
  });
}

TEST_CASE("Condition: those who are notified hold the lock one after the other") {
  run_async([]() -> Task<void> {
    Table table;
    std::vector<TaskHandle<void>> visits;
    for (const char letter : {'a', 'b', 'c'}) visits.push_back(spawn(visit(table, letter, 1s)));
    co_await yield_now();

    table.condition->notify_all();
    co_await turns(5);
    CHECK(table.log == "a ");
    co_await sleep(2500ms);
    CHECK(table.log == "a b c ");
    co_await visits.back();

    CHECK(Loop::current().now() == TimePoint(3s));
  });
}

TEST_CASE("Condition: who is notified stands in the lock's queue behind who was there before") {
  run_async([]() -> Task<void> {
    Table table;
    const TaskHandle<void> waiter = spawn(visit(table, 'w'));
    co_await yield_now();
    Lock::Guard held = co_await table.lock->acquire();
    const auto lock_and_note = [](Table& own) -> Task<void> {
      const Lock::Guard guard = co_await own.lock->acquire();
      own.log += "l ";
    };
    const TaskHandle<void> before = spawn(lock_and_note(table));
    co_await yield_now();

    table.condition->notify();
    const TaskHandle<void> behind = spawn(lock_and_note(table));
    co_await yield_now();
    CHECK(waiter.context().waits_for() == "a Lock");
    held.release();
    co_await behind;

    CHECK(table.log == "l w l ");
  });
}

TEST_CASE("Condition: with a predicate it waits until that is true, and does not if it is") {
  run_async([]() -> Task<void> {
    Table table;
    int plates = 0;
    const auto take = [](Table& own, int& count) -> Task<void> {
      Lock::Guard guard = co_await own.lock->acquire();
      co_await own.condition->wait(guard, [&count] { return count >= 2; });
      count -= 2;
      own.log += "taken ";
    };
    const TaskHandle<void> taker = spawn(take(table, plates));
    co_await yield_now();
    for (; plates < 2; ++plates) {
      CHECK(table.log == "");
      table.condition->notify_all();
      co_await turns(3);
    }
    table.condition->notify_all();
    co_await taker;
    CHECK(plates == 0);
    plates = 2;
    co_await take(table, plates);

    CHECK(plates == 0);
    CHECK(table.condition->waiting() == 0);
  });
}

TEST_CASE("Condition: a cancelled wait() has the lock back before Cancelled is thrown") {
  run_async([]() -> Task<void> {
    Table table;
    const TaskHandle<void> waiter = spawn(visit(table, 'a'));
    co_await yield_now();
    Lock::Guard held = co_await table.lock->acquire();

    waiter.cancel();
    CHECK(table.condition->waiting() == 0);
    co_await turns(5);
    CHECK(table.log == "");
    CHECK(table.lock->waiting() == 1);
    held.release();
    co_await wait_done(waiter);

    CHECK(table.log == "ax ");
    CHECK(waiter.status() == TaskStatus::kCancelled);
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: a second cancel does not keep it from having the lock back") {
  run_async([]() -> Task<void> {
    Table table;
    const TaskHandle<void> waiter = spawn(visit(table, 'a'));
    co_await yield_now();
    Lock::Guard held = co_await table.lock->acquire();

    for (int i = 0; i < 3; ++i) {
      waiter.cancel();
      co_await turns(2);
      CHECK(table.log == "");
    }
    held.release();
    waiter.cancel();
    co_await wait_done(waiter);

    CHECK(table.log == "ax ");
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: a cancel that is due before the wait leaves the lock held") {
  run_async([]() -> Task<void> {
    Table table;
    const auto cancel_self = [](Table& own) -> Task<void> {
      current_context->cancel();
      co_await visit(own, 'a');
    };
    const TaskHandle<void> waiter = spawn(cancel_self(table));

    co_await wait_done(waiter);

    CHECK(table.log == "ax ");
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: who is cancelled between the notify and the lock passes the notify on") {
  run_async([]() -> Task<void> {
    Table table;
    const auto visits = spawn_visits(table, "abc");
    co_await yield_now();
    Lock::Guard held = co_await table.lock->acquire();

    table.condition->notify();
    visits[0].cancel();
    CHECK(table.condition->waiting() == 1);
    visits[0].cancel();  // Again: nothing more is passed on.
    CHECK(table.condition->waiting() == 1);
    held.release();
    co_await turns(5);

    CHECK(table.log == "ax b ");
    visits[2].cancel();
    co_await wait_done(visits[2]);
  });
}

TEST_CASE("Condition: a notify finds who waits, when the oldest is cancelled in the same turn") {
  run_async([]() -> Task<void> {
    Table table;
    const auto visits = spawn_visits(table, "ab");
    co_await yield_now();

    visits[0].cancel();
    table.condition->notify();
    co_await turns(5);

    CHECK(table.log == "ax b ");
  });
}

TEST_CASE("Condition: who is cancelled once it has the lock back returns") {
  run_async([]() -> Task<void> {
    Table table;
    const TaskHandle<void> waiter = spawn(visit(table, 'a', 1s));
    co_await yield_now();

    table.condition->notify();  // The lock is free: handed over.
    waiter.cancel();
    co_await wait_done(waiter);

    CHECK(table.log == "a ");
    CHECK(waiter.status() == TaskStatus::kCancelled);
    CHECK(Loop::current().now() == TimePoint(0s));
  });
}

TEST_CASE("Condition: a cancel that is taken back before the lock comes leaves a spurious return") {
  run_async([]() -> Task<void> {
    Table table;
    const TaskHandle<void> waiter = spawn(visit(table, 'a'));
    co_await yield_now();
    Lock::Guard held = co_await table.lock->acquire();

    waiter.cancel();
    waiter.context().uncancel(0);
    held.release();
    co_await waiter;

    CHECK(table.log == "a ");
  });
}

TEST_CASE("Condition: a deadline ends the wait, with the lock held") {
  run_async([]() -> Task<void> {
    Table table;
    Lock::Guard guard = co_await table.lock->acquire();
    const auto wait_a_second = [](Table& own, Lock::Guard& held) -> Task<void> {
      co_await timeout(1s, own.condition->wait(held, [] { return false; }));
    };

    const std::string told = co_await thrown_by(wait_a_second(table, guard));

    CHECK(told == "brigade::TimeoutError('deadline passed')");
    CHECK(table.lock->locked());
    guard.release();
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: who waits when it is destroyed gets an error, with the lock held [L-08]") {
  run_async([]() -> Task<void> {
    Table table;
    const auto visits = spawn_visits(table, "ab");
    co_await yield_now();

    table.condition.reset();
    co_await turns(5);

    CHECK(table.log == "a! b! ");
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: one that is destroyed between a notify and a cancel is not asked [L-08]") {
  run_async([]() -> Task<void> {
    Table table;
    const auto visits = spawn_visits(table, "ab");
    co_await yield_now();
    Lock::Guard held = co_await table.lock->acquire();

    table.condition->notify(2);
    table.condition.reset();
    visits[0].cancel();
    held.release();
    co_await turns(5);

    CHECK(table.log == "ax b ");
  });
}

TEST_CASE("Condition: a predicate that is false after it was destroyed ends in an error [L-08]") {
  run_async([]() -> Task<void> {
    Table table;
    const auto wait_in_vain = [](Table& own) -> Task<std::string> {
      Lock::Guard guard = co_await own.lock->acquire();
      const auto wait = [](Table& inner, Lock::Guard& held) -> Task<void> {
        co_await inner.condition->wait(held, [] { return false; });
      };
      std::string told = co_await thrown_by(wait(own, guard));
      if (!own.lock->locked()) told += " without the lock";
      co_return told;
    };
    const TaskHandle<std::string> waiter = spawn(wait_in_vain(table));
    co_await yield_now();

    table.condition->notify();
    table.condition.reset();
    const std::string told = co_await waiter;

    CHECK(told == "std::logic_error('a Condition was destroyed while waited for')");
    CHECK_FALSE(table.lock->locked());
  });
}

TEST_CASE("Condition: who wants its lock back when that is destroyed gets an error [L-08]") {
  run_async([]() -> Task<void> {
    Table table;
    const auto wait_only = [](Table& own) -> Task<void> {
      Lock::Guard guard = co_await own.lock->acquire();
      co_await own.condition->wait(guard);
    };
    const auto attempt = [](Task<void> task) -> Task<std::string> {
      co_return co_await thrown_by(std::move(task));
    };
    const TaskHandle<std::string> waiter = spawn(attempt(wait_only(table)));
    co_await yield_now();
    const Lock::Guard held = co_await table.lock->acquire();

    table.condition->notify();
    table.lock.reset();
    const std::string told = co_await waiter;

    CHECK(told == "std::logic_error('a Lock was destroyed while waited for')");
  });
}

TEST_CASE("Condition: a lock that is destroyed while it was given away is still had back [L-08]") {
  run_async([]() -> Task<void> {
    Table table;
    const auto visits = spawn_visits(table, "ab");
    co_await yield_now();

    table.lock.reset();
    table.condition->notify_all();
    co_await turns(5);

    CHECK(table.log == "a- b- ");  // There is no lock to ask any more.
  });
}

TEST_CASE("Condition: closing the loop ends who waits, and who wants the lock back [L-07]") {
  Table table;
  {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    detach(loop.spawn(visit(table, 'a')));
    detach(loop.spawn(visit(table, 'b', 1h)));
    detach(loop.spawn(visit(table, 'c')));
    loop.run_until_complete(turns(2));
    table.condition->notify(2);
    loop.run_until_complete(turns(3));

    close_and_check(loop);
  }

  CHECK(table.log == "a b cx ");
  CHECK_FALSE(table.lock->locked());
}

TEST_CASE("Condition: a guard that holds nothing is a broken check [L-06]") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Table table;
          Lock::Guard guard = co_await table.lock->acquire();
          guard.release();
          co_await table.condition->wait(guard);
        });
      },
      "a permit was used that holds nothing");
}

TEST_CASE("Condition: a permit of several comes back whole") {
  run_async([]() -> Task<void> {
    Semaphore semaphore(3);
    Condition condition;
    const auto wait_with_two = [](Semaphore& own, Condition& change) -> Task<void> {
      Semaphore::Permit two = co_await own.acquire(2);
      co_await change.wait(two);
      CHECK(own.available() == 1);
    };
    const TaskHandle<void> waiter = spawn(wait_with_two(semaphore, condition));
    co_await yield_now();
    CHECK(semaphore.available() == 3);

    condition.notify();
    co_await waiter;

    CHECK(semaphore.available() == 3);
  });
}

TEST_CASE("Condition: prints its name and how many wait") {
  run_async([]() -> Task<void> {
    Lock lock;
    Condition condition("served");
    const auto wait_for_it = [](Lock& own, Condition& change) -> Task<void> {
      Lock::Guard guard = co_await own.acquire();
      co_await change.wait(guard);
    };
    const TaskHandle<void> waiter = spawn(wait_for_it(lock, condition));
    co_await yield_now();

    CHECK(condition.to_string() == "<Condition \"served\", 1 waiting>");
    CHECK(waiter.context().waits_for() == "Condition \"served\"");
    CHECK(repr(Condition()) == "<Condition>");
    condition.notify();
    co_await waiter;
  });
}

}  // namespace
}  // namespace brigade
