#include "brigade/sync/queue.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Numbers = Queue<int>;

Task<void> put(Numbers& queue, int number) { co_await queue.put(number); }

// Gets once; "a1" if it got a 1, "a." at the end of the queue.
Task<void> get_and_note(Numbers& queue, std::string& log, char letter) {
  const std::optional<int> number = co_await queue.get();
  log += letter + (number ? std::to_string(*number) : ".") + " ";
}

Task<void> put_and_note(Numbers& queue, std::string& log, int number) {
  const std::string told = co_await thrown_by(put(queue, number));
  log += std::to_string(number) + (told == "nothing" ? "" : ": " + told) + " ";
}

TEST_CASE("Queue: items come out in the order they were put") {
  run_async([]() -> Task<void> {
    Numbers queue;
    for (int i = 0; i < 1000; ++i) co_await queue.put(i);
    CHECK(queue.size() == 1000);

    for (int i = 0; i < 1000; ++i) {
      const std::optional<int> number = co_await queue.get();
      REQUIRE(number == i);
    }

    CHECK(queue.empty());
  });
}

TEST_CASE("Queue: a get() waits for an item, which is handed over") {
  run_async([]() -> Task<void> {
    Numbers queue;
    std::string log;
    const TaskHandle<void> getter = spawn(get_and_note(queue, log, 'a'));
    co_await yield_now();
    CHECK(queue.getting() == 1);

    co_await queue.put(7);

    CHECK(queue.empty());
    CHECK(queue.getting() == 0);
    CHECK_FALSE(queue.try_get());  // It is no longer there for others.
    CHECK(log == "");
    co_await getter;
    CHECK(log == "a7 ");
  });
}

TEST_CASE("Queue: getters are served in FIFO order, and nobody barges in") {
  run_async([]() -> Task<void> {
    Numbers queue;
    std::string log;
    for (const char letter : {'a', 'b', 'c'}) detach(spawn(get_and_note(queue, log, letter)));
    co_await yield_now();

    for (int i = 1; i <= 4; ++i) co_await queue.put(i);
    co_await get_and_note(queue, log, 'd');  // Before those who were served have run.
    co_await turns(3);

    CHECK(log == "d4 a1 b2 c3 ");
  });
}

TEST_CASE("Queue: a put() waits for room, and putters are served in FIFO order") {
  run_async([]() -> Task<void> {
    Numbers queue(2);
    std::string log;
    for (int i = 1; i <= 4; ++i) detach(spawn(put_and_note(queue, log, i)));
    co_await turns(3);
    CHECK(log == "1 2 ");
    CHECK(queue.putting() == 2);
    CHECK(queue.full());

    const std::optional<int> first = co_await queue.get();
    CHECK(first == 1);
    CHECK(queue.full());  // 3 is in, though its putter has not run.
    CHECK_FALSE(queue.try_put(9));
    co_await turns(2);
    CHECK(log == "1 2 3 ");
    for (int i = 2; i <= 4; ++i) {
      const std::optional<int> number = co_await queue.get();
      CHECK(number == i);
    }
    co_await turns(2);

    CHECK(log == "1 2 3 4 ");
    CHECK(queue.empty());
  });
}

TEST_CASE("Queue: try_put() and try_get() never wait, and leave what they refuse") {
  run_async([]() -> Task<void> {
    Queue<std::unique_ptr<int>> queue(1);
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    CHECK_FALSE(queue.try_get());

    CHECK(queue.try_put(std::move(first)));
    CHECK_FALSE(queue.try_put(std::move(second)));
    REQUIRE(second != nullptr);
    const std::optional<std::unique_ptr<int>> got = queue.try_get();

    REQUIRE(got);
    CHECK(**got == 1);
    CHECK_FALSE(queue.try_get());
    co_return;
  });
}

TEST_CASE("Queue: try_put() hands over to who waits, try_get() lets in who waits") {
  run_async([]() -> Task<void> {
    Numbers queue(1);
    std::string log;
    const TaskHandle<void> getter = spawn(get_and_note(queue, log, 'a'));
    co_await yield_now();
    CHECK(queue.try_put(1));
    CHECK(queue.empty());
    co_await getter;
    CHECK(queue.try_put(2));
    const TaskHandle<void> putter = spawn(put_and_note(queue, log, 3));
    co_await yield_now();

    CHECK(queue.try_get() == 2);
    CHECK(queue.size() == 1);
    co_await putter;

    CHECK(log == "a1 3 ");
    CHECK(queue.try_get() == 3);
  });
}

TEST_CASE("Queue: move-only items that wait on both sides are delivered once") {
  run_async([]() -> Task<void> {
    Queue<std::unique_ptr<int>> queue(1);
    int sum = 0;
    const auto feed = [](Queue<std::unique_ptr<int>>& own) -> Task<void> {
      for (int i = 1; i <= 100; ++i) co_await own.put(std::make_unique<int>(i));
      own.close();
    };
    const TaskHandle<void> feeder = spawn(feed(queue));

    for (;;) {
      const std::optional<std::unique_ptr<int>> item = co_await queue.get();
      if (!item) break;
      sum += **item;
    }
    co_await feeder;

    CHECK(sum == 5050);
  });
}

Task<void> put_tracked(Queue<Tracked>& queue, Counts& counts) {
  for (int i = 0; i < 10; ++i) {
    Tracked item(counts);
    co_await queue.put(item);
  }
}

Task<void> use_tracked(Counts& counts) {
  Queue<Tracked> queue(2);
  const TaskHandle<void> cancelled = spawn(put_tracked(queue, counts));
  const TaskHandle<std::string> closed = spawn(thrown_by(put_tracked(queue, counts)));
  co_await yield_now();
  CHECK(queue.putting() == 2);
  cancelled.cancel();
  const std::optional<Tracked> got = queue.try_get();
  CHECK(got);
  co_await turns(2);
  queue.close();
  const std::string told = co_await closed;
  CHECK(told == "brigade::QueueClosed('the queue is closed')");
}

TEST_CASE("Queue: every item is destroyed once, whatever became of it") {
  Counts counts;
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));

  loop.run_until_complete(use_tracked(counts));
  close_and_check(loop);

  CHECK(counts.constructed > 0);
  CHECK(counts.alive() == 0);
}

TEST_CASE("Queue: close() fails who puts, and lets get() drain what is left") {
  run_async([]() -> Task<void> {
    Numbers queue(2);
    std::string log;
    for (int i = 1; i <= 3; ++i) detach(spawn(put_and_note(queue, log, i)));
    co_await turns(3);

    queue.close();
    co_await turns(3);
    CHECK(log == "1 2 3: brigade::QueueClosed('the queue is closed') ");
    CHECK(queue.closed());
    const std::string told = co_await thrown_by(put(queue, 4));
    CHECK(told == "brigade::QueueClosed('the queue is closed')");
    CHECK_THROWS_AS(queue.try_put(5), QueueClosed);
    log.clear();
    for (int i = 0; i < 4; ++i) co_await get_and_note(queue, log, 'a');

    CHECK(log == "a1 a2 a. a. ");
    queue.close();
    CHECK_FALSE(queue.try_get());
  });
}

TEST_CASE("Queue: close() tells those who wait to get that it is the end") {
  run_async([]() -> Task<void> {
    Numbers queue;
    std::string log;
    for (const char letter : {'a', 'b'}) detach(spawn(get_and_note(queue, log, letter)));
    co_await yield_now();

    co_await queue.put(1);
    queue.close();
    co_await turns(3);

    CHECK(log == "a1 b. ");
  });
}

TEST_CASE("Queue: an item handed over before the cancel is delivered, not lost") {
  run_async([]() -> Task<void> {
    Numbers queue;
    std::string log;
    const TaskHandle<void> getter = spawn(get_and_note(queue, log, 'a'));
    co_await yield_now();

    co_await queue.put(1);
    getter.cancel();
    co_await wait_done(getter);

    CHECK(log == "a1 ");
  });
}

TEST_CASE("Queue: a cancelled get() takes no item, and the next one gets it") {
  run_async([]() -> Task<void> {
    Numbers queue;
    std::string log;
    const TaskHandle<void> first = spawn(get_and_note(queue, log, 'a'));
    const TaskHandle<void> second = spawn(get_and_note(queue, log, 'b'));
    co_await yield_now();

    first.cancel();
    co_await queue.put(1);
    co_await second;

    CHECK(log == "b1 ");
    CHECK(first.status() == TaskStatus::kCancelled);
    CHECK(queue.empty());
  });
}

TEST_CASE("Queue: a cancelled put() did not put") {
  run_async([]() -> Task<void> {
    Numbers queue(1);
    std::string log;
    co_await queue.put(1);
    const TaskHandle<void> second = spawn(put(queue, 2));
    const TaskHandle<void> third = spawn(put(queue, 3));
    co_await yield_now();

    second.cancel();
    CHECK(queue.putting() == 1);
    for (int i = 0; i < 2; ++i) co_await get_and_note(queue, log, 'a');
    co_await third;

    CHECK(log == "a1 a3 ");
    CHECK(second.status() == TaskStatus::kCancelled);
    CHECK(queue.empty());
  });
}

TEST_CASE("Queue: a put() that was let in before the cancel has put") {
  run_async([]() -> Task<void> {
    Numbers queue(1);
    std::string log;
    co_await queue.put(1);
    const TaskHandle<void> second = spawn(put_and_note(queue, log, 2));
    co_await yield_now();

    const std::optional<int> first = queue.try_get();
    second.cancel();
    co_await wait_done(second);

    CHECK(first == 1);
    CHECK(log == "2 ");
    CHECK(queue.try_get() == 2);
  });
}

TEST_CASE("Queue: with a cancel due, neither get() nor put() that must wait does anything") {
  run_async([]() -> Task<void> {
    Numbers queue(1);
    std::string log;
    const auto cancelled_put = [](Numbers& own) -> Task<void> {
      current_context->cancel();
      co_await put(own, 2);
    };
    const auto cancelled_get = [](Numbers& own, std::string& text) -> Task<void> {
      current_context->cancel();
      co_await get_and_note(own, text, 'a');
    };
    const TaskHandle<void> getter = spawn(cancelled_get(queue, log));
    co_await wait_done(getter);
    co_await queue.put(1);
    const TaskHandle<void> putter = spawn(cancelled_put(queue));
    co_await wait_done(putter);

    CHECK(log == "");
    CHECK(getter.status() == TaskStatus::kCancelled);
    CHECK(putter.status() == TaskStatus::kCancelled);
    CHECK(queue.size() == 1);
    CHECK(queue.getting() + queue.putting() == 0);
  });
}

TEST_CASE("Queue: a deadline of get() and of put() loses nothing") {
  run_async([]() -> Task<void> {
    Numbers queue(1);
    std::string log;
    const auto get_a_second = [](Numbers& own, std::string& text) -> Task<void> {
      co_await timeout(1s, get_and_note(own, text, 'a'));
    };
    const auto put_a_second = [](Numbers& own) -> Task<void> { co_await timeout(1s, put(own, 2)); };

    const std::string got = co_await thrown_by(get_a_second(queue, log));
    co_await queue.put(1);
    const std::string was_put = co_await thrown_by(put_a_second(queue));

    CHECK(got == "brigade::TimeoutError('deadline passed')");
    CHECK(was_put == got);
    CHECK(queue.size() == 1);
    CHECK(queue.try_get() == 1);
  });
}

TEST_CASE("Queue: join() waits until what was put is done") {
  run_async([]() -> Task<void> {
    Numbers queue;
    std::string log;
    const auto join = [](Numbers& own, std::string& text) -> Task<void> {
      co_await own.join();
      text += "joined ";
    };
    co_await join(queue, log);
    CHECK(log == "joined ");
    log.clear();
    for (int i = 1; i <= 2; ++i) co_await queue.put(i);
    const TaskHandle<void> joiner = spawn(join(queue, log));
    co_await yield_now();
    CHECK(joiner.context().waits_for() == "a Queue (join)");

    for (int i = 0; i < 2; ++i) co_await get_and_note(queue, log, 'a');
    CHECK(queue.unfinished() == 2);
    queue.task_done();
    co_await turns(3);
    CHECK(log == "a1 a2 ");
    queue.task_done();
    co_await joiner;

    CHECK(log == "a1 a2 joined ");
    CHECK(queue.unfinished() == 0);
  });
}

TEST_CASE("Queue: task_done() for more items than were put is a broken check") {
  check_dies(
      [] {
        Numbers queue;
        queue.try_put(1);
        queue.task_done();
        queue.task_done();
      },
      "task_done() for more items than were put");
}

TEST_CASE("Queue: one of 0 items is refused") {
  CHECK_THROWS_WITH_AS(Numbers(0), "Queue of 0 items: at least 1 is needed", std::invalid_argument);
}

TEST_CASE("Queue: a producer and a consumer that never wait let others run") {
  run_async([]() -> Task<void> {
    Numbers queue;
    bool other_ran = false;
    const auto run = [](bool& ran) -> Task<void> {
      ran = true;
      co_return;
    };
    detach(spawn(run(other_ran)));

    for (int i = 0; i < 100; ++i) {
      co_await queue.put(i);
      const std::optional<int> number = co_await queue.get();
      CHECK(number == i);
    }

    CHECK(other_ran);
  });
}

TEST_CASE(
    "Queue: who waits when it is destroyed gets an error; what was handed over is kept [L-08]") {
  run_async([]() -> Task<void> {
    std::optional<Numbers> empty(std::in_place);
    std::optional<Numbers> full(std::in_place, std::size_t{1});
    std::string log;
    const auto attempt_get = [](Numbers& own, std::string& text) -> Task<std::string> {
      co_return co_await thrown_by(get_and_note(own, text, 'a'));
    };
    const auto attempt_put = [](Numbers& own) -> Task<std::string> {
      co_return co_await thrown_by(put(own, 2));
    };
    full->try_put(1);
    const TaskHandle<std::string> served = spawn(attempt_get(*empty, log));
    const TaskHandle<std::string> getter = spawn(attempt_get(*empty, log));
    const TaskHandle<std::string> putter = spawn(attempt_put(*full));
    co_await yield_now();

    empty->try_put(7);
    empty.reset();
    full.reset();
    const std::string told_served = co_await served;
    const std::string told_getter = co_await getter;
    const std::string told_putter = co_await putter;

    CHECK(told_served == "nothing");
    CHECK(log == "a7 ");
    CHECK(told_getter == "std::logic_error('a Queue was destroyed while waited for')");
    CHECK(told_putter == told_getter);
  });
}

TEST_CASE("Queue: a ten thousand getters and putters are cancelled in random order [L-09]") {
  run_async([]() -> Task<void> {
    constexpr int kWaiters = 10'000;
    std::mt19937 random(5);
    Numbers empty;
    Numbers full(1);
    std::string log;
    full.try_put(0);
    const std::size_t frames = Loop::current().ledger().frames;
    std::vector<TaskHandle<void>> waiters;
    for (int i = 0; i < kWaiters; ++i) {
      waiters.push_back(spawn(get_and_note(empty, log, 'a')));
      waiters.push_back(spawn(put(full, i)));
    }
    co_await yield_now();
    CHECK(empty.getting() == kWaiters);
    CHECK(full.putting() == kWaiters);
    std::ranges::shuffle(waiters, random);

    for (const auto& waiter : waiters) waiter.cancel();
    CHECK(empty.getting() + full.putting() == 0);
    co_await yield_now();
    waiters.clear();

    CHECK(log == "");
    CHECK(Loop::current().ledger().frames == frames);
  });
}

TEST_CASE("Queue: prints its name, its items and how many wait") {
  run_async([]() -> Task<void> {
    Numbers queue(1, "orders");
    std::string log;
    const TaskHandle<void> getter = spawn(get_and_note(queue, log, 'a'));
    co_await yield_now();
    CHECK(queue.to_string() == "<Queue \"orders\" 0 of 1 items, 1 waiting>");
    CHECK(getter.context().waits_for() == "Queue \"orders\" (get)");
    queue.try_put(1);
    queue.try_put(2);
    const TaskHandle<void> putter = spawn(put(queue, 3));
    co_await yield_now();

    CHECK(repr(queue) == "<Queue \"orders\" 1 of 1 items, 1 waiting>");
    CHECK(putter.context().waits_for() == "Queue \"orders\" (put)");
    queue.close();
    CHECK(repr(queue) == "<Queue \"orders\" 1 of 1 items, closed>");
    CHECK(repr(Numbers()) == "<Queue 0 items>");
    CHECK(repr(Numbers("later")) == "<Queue \"later\" 0 items>");
    co_await thrown_by(
        [](const TaskHandle<void>& handle) -> Task<void> { co_await handle; }(putter));
  });
}

}  // namespace
}  // namespace brigade
