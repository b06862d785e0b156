#include "brigade/runtime/async_generator.h"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/small_stack.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kMillion = kSanitized ? 100'000 : 1'000'000;

TimePoint now() { return Loop::current().now(); }

AsyncGenerator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

AsyncGenerator<int> count_slowly(int n) {
  for (int i = 1; i <= n; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

template <class T>
Task<std::vector<T>> all_of(AsyncGenerator<T> items) {
  std::vector<T> all;
  while (true) {
    std::optional<T> item = co_await items.next();
    if (!item) break;
    all.push_back(std::move(*item));
  }
  co_return all;
}

// The next item as text: "7", "end" or what was thrown.
Task<std::string> ask(AsyncGenerator<int>& items) {
  try {
    const std::optional<int> item = co_await items.next();
    co_return item ? std::to_string(*item) : "end";
  } catch (const Cancelled&) {
    co_return "Cancelled";
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

TEST_CASE("AsyncGenerator: gives out what is yielded, then none, again and again") {
  run_async([]() -> Task<void> {
    AsyncGenerator<int> items = count_to(2);
    std::string log;

    for (int i = 0; i < 5; ++i) log += co_await ask(items) + " ";

    CHECK(log == "1 2 end end end ");
  });
}

TEST_CASE("AsyncGenerator: may await between its items") {
  run_async([]() -> Task<void> {
    const std::vector<int> items = co_await all_of(count_slowly(3));

    CHECK(items == std::vector<int>{1, 2, 3});
    CHECK(now() == TimePoint(3s));
  });
}

TEST_CASE("AsyncGenerator: is lazy, and runs no further than it is asked to") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto write = [](std::string& out) -> AsyncGenerator<int> {
      out += "a";
      co_yield 1;
      out += "b";
      co_yield 2;
      out += "c";
    };
    AsyncGenerator<int> items = write(log);
    co_await yield_now();
    CHECK(log == "");

    co_await ask(items);
    co_await yield_now();
    CHECK(log == "a");

    co_await ask(items);
    CHECK(log == "ab");
    co_await ask(items);
    CHECK(log == "abc");
  });
}

TEST_CASE("AsyncGenerator: moves what it can, and copies what it yields from a variable") {
  run_async([]() -> Task<void> {
    const auto boxes = []() -> AsyncGenerator<std::unique_ptr<int>> {
      auto box = std::make_unique<int>(1);
      co_yield std::move(box);
      co_yield std::make_unique<int>(2);
    };
    const auto texts = []() -> AsyncGenerator<std::string> {
      const std::string text(100, 'x');
      co_yield text;
      co_yield text + "y";
      co_yield "literal";
    };

    const std::vector<std::unique_ptr<int>> moved = co_await all_of(boxes());
    const std::vector<std::string> copied = co_await all_of(texts());

    CHECK(*moved.at(0) == 1);
    CHECK(*moved.at(1) == 2);
    CHECK(copied ==
          std::vector<std::string>{std::string(100, 'x'), std::string(100, 'x') + "y", "literal"});
  });
}

TEST_CASE("AsyncGenerator: an error passes to the consumer, once, and ends it") {
  run_async([]() -> Task<void> {
    const auto fail = []() -> AsyncGenerator<int> {
      co_yield 1;
      co_await sleep(1s);
      throw std::runtime_error("boom");
    };
    AsyncGenerator<int> items = fail();
    std::string log;

    for (int i = 0; i < 4; ++i) log += co_await ask(items) + " ";

    CHECK(log == "1 boom end end ");
  });
}

TEST_CASE("AsyncGenerator: may ask another one") {
  run_async([]() -> Task<void> {
    const auto squares = [](AsyncGenerator<int> items) -> AsyncGenerator<int> {
      while (true) {
        const std::optional<int> item = co_await items.next();
        if (!item) break;
        co_yield *item** item;
      }
    };

    const std::vector<int> items = co_await all_of(squares(squares(count_slowly(3))));

    CHECK(items == std::vector<int>{1, 16, 81});
  });
}

TEST_CASE("AsyncGenerator: a cancel reaches the innermost await, unwinds, and ends it") {
  run_async([]() -> Task<void> {
    Counts counts;
    const auto hold = [](Counts& all) -> AsyncGenerator<int> {
      const auto wait = [](Tracked) -> Task<void> { co_await sleep(1h); };
      const Tracked own(all);
      co_yield 1;
      co_await wait(own);
      co_yield 2;
    };
    AsyncGenerator<int> items = hold(counts);
    const auto consume = [](AsyncGenerator<int>& own) -> Task<std::string> {
      std::string log = co_await ask(own);
      log += " " + co_await ask(own);
      log += " " + co_await ask(own);
      co_return log;
    };
    const TaskHandle<std::string> consumer = spawn(consume(items));
    co_await turns(3);
    CHECK(counts.alive() > 0);

    consumer.cancel();
    const std::string log = co_await consumer;

    CHECK(log == "1 Cancelled end");
    CHECK(counts.alive() == 0);
    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("AsyncGenerator: one that catches a cancel goes on") {
  run_async([]() -> Task<void> {
    const auto stubborn = []() -> AsyncGenerator<int> {
      const auto nap = []() -> Task<void> { co_await sleep(1h); };
      co_await thrown_by(nap());
      co_yield 1;
    };
    AsyncGenerator<int> items = stubborn();
    const TaskHandle<std::string> asking = spawn(ask(items));
    co_await turns(2);

    asking.cancel();
    const std::string item = co_await asking;

    CHECK(item == "1");
  });
}

TEST_CASE("AsyncGenerator: a timeout around next() is a cancel like others") {
  run_async([]() -> Task<void> {
    AsyncGenerator<int> items = count_slowly(3);
    const auto take = [](AsyncGenerator<int>& own) -> Task<void> { co_await own.next(); };
    const auto within = [](auto taking, AsyncGenerator<int>& own, Nanoseconds limit) -> Task<void> {
      co_await timeout(limit, taking(own));
    };

    const std::string in_time = co_await thrown_by(within(take, items, 2s));
    const std::string late = co_await thrown_by(within(take, items, 500ms));
    const std::string after = co_await ask(items);

    CHECK(in_time == "nothing");
    CHECK(late == "brigade::TimeoutError('deadline passed')");
    CHECK(after == "end");
  });
}

TEST_CASE("AsyncGenerator: a cancel that comes with the budget's end takes no item") {
  run_async([]() -> Task<void> {
    AsyncGenerator<int> items = count_to(1000);
    const auto consume = [](AsyncGenerator<int>& own, int& last) -> Task<void> {
      while (true) {
        const std::optional<int> item = co_await own.next();
        if (!item) break;
        last = *item;
      }
    };
    int last = 0;
    const TaskHandle<void> consumer = spawn(consume(items, last));
    co_await yield_now();  // It runs until its budget is used up.

    consumer.cancel();
    co_await wait_done(consumer);
    const std::string next = co_await ask(items);

    CHECK(consumer.status() == TaskStatus::kCancelled);
    CHECK(last > 0);
    CHECK(last < 1000);
    CHECK(next == std::to_string(last + 1));
  });
}

TEST_CASE("AsyncGenerator: dropped early, it destroys what it holds, once") {
  run_async([]() -> Task<void> {
    Counts counts;
    const auto hold = [](Counts& all, Tracked) -> AsyncGenerator<int> {
      const Tracked own(all);
      co_yield 1;
      const Tracked later(all);
      co_yield 2;
    };
    for (const int items : {0, 1, 2, 3}) {
      {
        AsyncGenerator<int> generator = hold(counts, Tracked(counts));
        for (int i = 0; i < items; ++i) co_await ask(generator);
        CHECK(counts.alive() == (items == 3 ? 1 : 1 + items));
        AsyncGenerator<int> moved = std::move(generator);
        moved = count_to(1);  // Drops it.
        CHECK(counts.alive() == 0);
      }
      CHECK(counts.alive() == 0);
    }
  });
}

TEST_CASE("AsyncGenerator: dropped after it was cancelled, or at the end of the loop") {
  Counts counts;
  {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    const auto hold = [](Tracked) -> AsyncGenerator<int> {
      co_yield 1;
      co_await sleep(1h);
    };
    const auto consume = [](AsyncGenerator<int> own) -> Task<void> {
      co_await ask(own);
      co_await own.next();
    };
    detach(loop.spawn(consume(hold(Tracked(counts)))));
    loop.run_until_complete(turns(3));
    CHECK(counts.alive() > 0);
    close_and_check(loop);
  }

  CHECK(counts.alive() == 0);
}

TEST_CASE("AsyncGenerator: several tasks may ask one after the other") {
  run_async([]() -> Task<void> {
    AsyncGenerator<int> items = count_slowly(3);

    const std::string first = co_await spawn(ask(items));
    const std::string second = co_await spawn(ask(items));
    const std::string third = co_await ask(items);

    CHECK(first + second + third == "123");
  });
}

TEST_CASE("AsyncGenerator: two tasks that ask at a time are a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          AsyncGenerator<int> items = count_slowly(3);
          detach(spawn(ask(items)));
          co_await yield_now();
          co_await ask(items);
        });
      },
      "two tasks ask an AsyncGenerator for an item");
}

TEST_CASE("AsyncGenerator: to destroy it while it runs is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          auto items = std::make_unique<AsyncGenerator<int>>(count_slowly(3));
          detach(spawn(ask(*items)));
          co_await yield_now();
          items.reset();
        });
      },
      "an AsyncGenerator was destroyed while it runs");
}

Task<long> sum_of(AsyncGenerator<int> items) {
  long sum = 0;
  while (true) {
    const std::optional<int> item = co_await items.next();
    if (!item) break;
    sum += *item;
  }
  co_return sum;
}

AsyncGenerator<int> yielding(AsyncGenerator<int> items) {
  while (true) {
    const std::optional<int> item = co_await items.next();
    if (!item) break;
    if (*item % 10 == 0) co_await yield_now();
    co_yield *item;
  }
}

TEST_CASE("AsyncGenerator: a million items need no stack [T-10]") {
  long sum = 0;

  run_on_small_stack([&] { sum = run(sum_of(count_to(kMillion))); });

  CHECK(sum == long{kMillion} * (kMillion + 1) / 2);
}

TEST_CASE("AsyncGenerator: a million items of one that suspends at times need no stack [T-10]") {
  long sum = 0;

  run_on_small_stack([&] { sum = run(sum_of(yielding(count_to(kMillion)))); });

  CHECK(sum == long{kMillion} * (kMillion + 1) / 2);
}

TEST_CASE("AsyncGenerator: a chain of generators deeper than the inline starts needs no stack") {
  constexpr int kDepth = 150;  // Dropping a chain recurses: not a million.
  long sum = 0;
  const auto pass_on = [](AsyncGenerator<int> items) -> AsyncGenerator<int> {
    while (true) {
      const std::optional<int> item = co_await items.next();
      if (!item) break;
      co_yield *item;
    }
  };

  run_on_small_stack([&] {
    AsyncGenerator<int> items = count_to(5);
    for (int i = 0; i < kDepth; ++i) items = pass_on(std::move(items));
    sum = run(sum_of(std::move(items)));
  });

  CHECK(sum == 15);
}

TEST_CASE("AsyncGenerator: the consumer of ready items lets the others run") {
  run_async([]() -> Task<void> {
    const TaskHandle<long> summing = spawn(sum_of(count_to(100'000)));

    co_await turns(2);

    CHECK_FALSE(summing.done());
  });
}

TEST_CASE("AsyncGenerator: an item allocates no frame") {
  run_async([]() -> Task<void> {
    AsyncGenerator<int> items = count_to(100);
    co_await items.next();
    const std::size_t frames = Loop::current().ledger().frames;

    for (int i = 0; i < 50; ++i) {
      co_await items.next();
      CHECK(Loop::current().ledger().frames == frames);
    }
  });
}

}  // namespace
}  // namespace brigade
