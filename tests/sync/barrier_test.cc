#include "brigade/sync/barrier.h"

#include <optional>
#include <string>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

// What a wait() came to: the letter and the index, or the letter and what was thrown.
Task<void> note(Barrier& barrier, std::string& log, char letter) {
  std::string told;
  try {
    const std::size_t index = co_await barrier.wait();
    told = std::to_string(index);
  } catch (const BrokenBarrierError&) {
    told = "!";
  } catch (const Cancelled&) {
    log += std::string(1, letter) + "x ";
    throw;
  }
  log += letter + told + " ";
}

Task<void> await_barrier(Barrier& barrier) {
  const std::size_t index = co_await barrier.wait();
  CHECK(index < barrier.parties());
}

TEST_CASE("Barrier: the last to arrive lets all go; each gets an index of its own") {
  run_async([]() -> Task<void> {
    Barrier barrier(3);
    std::string log;
    detach(spawn(note(barrier, log, 'a')));
    detach(spawn(note(barrier, log, 'b')));
    co_await turns(5);
    CHECK(log == "");
    CHECK(barrier.waiting() == 2);

    co_await note(barrier, log, 'c');

    CHECK(log == "c2 ");  // It did not wait.
    CHECK(barrier.waiting() == 0);
    co_await yield_now();
    CHECK(log == "c2 a0 b1 ");
  });
}

TEST_CASE("Barrier: one of a single party never waits") {
  run_async([]() -> Task<void> {
    Barrier barrier(1);

    for (int i = 0; i < 200; ++i) {
      const std::size_t index = co_await barrier.wait();
      CHECK(index == 0);
    }
  });
}

TEST_CASE("Barrier: who comes back before the others have run waits for the next round") {
  run_async([]() -> Task<void> {
    Barrier barrier(2);
    std::string log;
    const TaskHandle<void> first = spawn(note(barrier, log, 'a'));
    co_await yield_now();
    co_await note(barrier, log, 'b');

    const TaskHandle<void> again = spawn(note(barrier, log, 'B'));
    co_await turns(5);
    CHECK(log == "b1 a0 ");
    CHECK(barrier.waiting() == 1);
    co_await note(barrier, log, 'A');
    co_await again;

    CHECK(log == "b1 a0 A1 B0 ");
  });
}

TEST_CASE("Barrier: rounds do not mix, however often they come") {
  run_async([]() -> Task<void> {
    constexpr int kParties = 5;
    constexpr int kRounds = 100;
    Barrier barrier(kParties);
    std::vector<int> arrived(kRounds, 0);
    const auto take_part = [](Barrier& own, std::vector<int>& counts) -> Task<void> {
      for (int& count : counts) {
        ++count;
        co_await own.wait();
        CHECK(count == static_cast<int>(own.parties()));
      }
    };
    std::vector<TaskHandle<void>> tasks;
    for (int i = 0; i < kParties; ++i) tasks.push_back(spawn(take_part(barrier, arrived)));

    for (const auto& task : tasks) co_await task;

    CHECK(barrier.waiting() == 0);
  });
}

TEST_CASE("Barrier: a cancelled wait() lowers the count, and the others wait on") {
  run_async([]() -> Task<void> {
    Barrier barrier(3);
    std::string log;
    const TaskHandle<void> first = spawn(note(barrier, log, 'a'));
    const TaskHandle<void> second = spawn(note(barrier, log, 'b'));
    co_await yield_now();

    first.cancel();
    CHECK(barrier.waiting() == 1);
    const TaskHandle<void> third = spawn(note(barrier, log, 'c'));
    co_await turns(5);
    CHECK(log == "ax ");
    co_await note(barrier, log, 'd');
    co_await third;

    CHECK(log == "ax d2 b0 c1 ");  // The indices have no gap.
    CHECK_FALSE(barrier.broken());
  });
}

TEST_CASE("Barrier: a round that is complete counts for one that is cancelled afterwards") {
  run_async([]() -> Task<void> {
    Barrier barrier(2);
    std::string log;
    const TaskHandle<void> first = spawn(note(barrier, log, 'a'));
    co_await yield_now();

    co_await note(barrier, log, 'b');
    first.cancel();
    co_await wait_done(first);

    CHECK(log == "b1 a0 ");
    CHECK(barrier.waiting() == 0);
  });
}

TEST_CASE("Barrier: abort() fails who waits and who comes, until reset()") {
  run_async([]() -> Task<void> {
    Barrier barrier(2);
    std::string log;
    const TaskHandle<void> first = spawn(note(barrier, log, 'a'));
    co_await yield_now();

    barrier.abort();
    CHECK(barrier.broken());
    co_await note(barrier, log, 'b');
    co_await first;
    CHECK(log == "b! a! ");
    CHECK(barrier.waiting() == 0);
    barrier.reset();
    CHECK_FALSE(barrier.broken());
    const TaskHandle<void> third = spawn(note(barrier, log, 'c'));
    co_await yield_now();
    co_await note(barrier, log, 'd');
    co_await third;

    CHECK(log == "b! a! d1 c0 ");
  });
}

TEST_CASE("Barrier: reset() fails who waits; who comes in the same turn starts a new round") {
  run_async([]() -> Task<void> {
    Barrier barrier(2);
    std::string log;
    const TaskHandle<void> first = spawn(note(barrier, log, 'a'));
    co_await yield_now();
    const TaskHandle<void> second = spawn(note(barrier, log, 'b'));

    barrier.reset();
    co_await note(barrier, log, 'c');
    co_await first;
    co_await second;

    CHECK(log == "b1 a! c0 ");
  });
}

TEST_CASE("Barrier: abort() does not fail a round that is complete") {
  run_async([]() -> Task<void> {
    Barrier barrier(2);
    std::string log;
    const TaskHandle<void> first = spawn(note(barrier, log, 'a'));
    co_await yield_now();

    co_await note(barrier, log, 'b');
    barrier.abort();
    co_await first;

    CHECK(log == "b1 a0 ");
  });
}

TEST_CASE("Barrier: one of 0 parties is refused") {
  CHECK_THROWS_WITH_AS(Barrier(0), "Barrier of 0 parties: at least 1 is needed",
                       std::invalid_argument);
}

TEST_CASE("Barrier: who waits when it is destroyed gets an error [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Barrier> barrier(std::in_place, std::size_t{2});
    const auto attempt = [](Barrier& own) -> Task<std::string> {
      co_return co_await thrown_by(await_barrier(own));
    };
    const TaskHandle<std::string> waiter = spawn(attempt(*barrier));
    co_await yield_now();

    barrier.reset();
    const std::string told = co_await waiter;

    CHECK(told == "std::logic_error('a Barrier was destroyed while waited for')");
  });
}

TEST_CASE("Barrier: prints its name, its parties and how many wait") {
  run_async([]() -> Task<void> {
    Barrier barrier(3, "lunch");
    std::string log;
    const TaskHandle<void> waiter = spawn(note(barrier, log, 'a'));
    co_await yield_now();

    CHECK(barrier.to_string() == "<Barrier \"lunch\" of 3, 1 waiting>");
    CHECK(waiter.context().waits_for() == "Barrier \"lunch\"");
    barrier.abort();
    CHECK(repr(barrier) == "<Barrier \"lunch\" of 3 broken>");
    CHECK(repr(Barrier(2)) == "<Barrier of 2>");
    co_await waiter;
  });
}

}  // namespace
}  // namespace brigade
