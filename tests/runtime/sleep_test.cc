#include "brigade/runtime/sleep.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration;

TimePoint now() { return Loop::current().now(); }

Task<void> note(std::string& log, char letter, Nanoseconds duration) {
  co_await sleep(duration);
  log += letter;
}

Task<void> note_at(std::string& log, char letter, TimePoint time) {
  co_await sleep_until(time);
  log += letter;
}

Task<void> note_later(std::string& log, char letter, int yields) {
  co_await turns(yields);
  log += letter;
}

Task<void> sleep_for(Nanoseconds duration) { co_await sleep(duration); }

TEST_CASE("sleep: the virtual clock jumps to the deadline exactly [C-03]") {
  run_async([]() -> Task<void> {
    CHECK(now() == TimePoint{});
    co_await sleep(1500ms);
    CHECK(now() == TimePoint(1500ms));
    co_await sleep(1ns);
    CHECK(now() == TimePoint(1500ms + 1ns));
    co_await sleep(24h * 365);
    CHECK(now() == TimePoint(24h * 365 + 1500ms + 1ns));
  });
}

TEST_CASE("sleep: takes durations of any unit") {
  run_async([]() -> Task<void> {
    co_await sleep(duration<double>(0.5));
    CHECK(now() == TimePoint(500ms));
    co_await sleep(duration<int, std::ratio<1, 4>>(2));
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("sleep: deadlines come in order, equal ones in the order of the calls [C-03]") {
  run_async([]() -> Task<void> {
    std::string log;

    detach(spawn(note(log, 'd', 2s)));
    detach(spawn(note(log, 'a', 1s)));
    detach(spawn(note(log, 'b', 1s)));
    detach(spawn(note(log, 'e', 2s)));
    detach(spawn(note(log, 'c', 1s)));
    co_await sleep(3s);

    CHECK(log == "abcde");
  });
}

TEST_CASE("sleep: zero, negative and NaN are one yield [C-02]") {
  run_async([]() -> Task<void> {
    const std::vector<Nanoseconds> durations = {
        0ns, -1ns, -1h, Nanoseconds::min(),
        to_nanoseconds(duration<double>(std::numeric_limits<double>::quiet_NaN()))};

    for (const Nanoseconds duration : durations) {
      std::string log;
      detach(spawn(note(log, 's', duration)));
      detach(spawn(note_later(log, 'y', 1)));
      detach(spawn(note_later(log, 'z', 2)));
      co_await turns(5);
      CHECK(log == "syz");
    }

    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("sleep: the longest and the most negative durations of every type are clamped [C-02]") {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    run_async_real(
        []() -> Task<void> {
          const auto longest = [](int which) -> Task<void> {
            if (which == 0) co_await sleep(std::chrono::hours::max());
            if (which == 1) co_await sleep(Nanoseconds::max());
            if (which == 2) co_await sleep(duration<double>(1e300));
            if (which == 3) co_await sleep_until(TimePoint::max());
          };
          std::vector<TaskHandle<void>> sleepers;
          for (int i = 0; i < 4; ++i) sleepers.push_back(spawn(longest(i)));
          co_await sleep(std::chrono::hours::min());
          co_await sleep(duration<double>(-std::numeric_limits<double>::infinity()));
          co_await sleep_until(TimePoint::min());
          co_await sleep(1ms);

          for (const auto& sleeper : sleepers) CHECK_FALSE(sleeper.done());
        },
        std::move(options));
  }
}

TEST_CASE("sleep_until: waits for the instant; one that has passed costs one turn") {
  run_async([]() -> Task<void> {
    co_await sleep_until(TimePoint(5s));
    CHECK(now() == TimePoint(5s));
    co_await sleep_until(TimePoint(1s));
    CHECK(now() == TimePoint(5s));
  });
}

TEST_CASE("sleep: never early on the real clock [C-03]") {
  run_async_real([]() -> Task<void> {
    for (const Nanoseconds duration : {Nanoseconds(1), Nanoseconds(50us), Nanoseconds(3ms)}) {
      const auto start = std::chrono::steady_clock::now();
      co_await sleep(duration);
      CHECK(std::chrono::steady_clock::now() - start >= duration);
    }
  });
}

TEST_CASE("sleep: after a stall overdue sleepers wake once, in the order of the deadlines [C-07]") {
  run_async_real([]() -> Task<void> {
    std::string log;
    const TimePoint start = Loop::current().now();
    detach(spawn(note_at(log, 'c', start + 3ms)));
    detach(spawn(note_at(log, 'a', start + 1ms)));
    detach(spawn(note_at(log, 'd', start + 4ms)));
    detach(spawn(note_at(log, 'b', start + 2ms)));
    co_await yield_now();

    std::this_thread::sleep_for(10ms);  // The thread is held up; all deadlines pass.
    co_await sleep(5ms);

    CHECK(log == "abcd");
  });
}

TEST_CASE("sleep: a cancel takes the timer away, and time does not move [C-04]") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> sleeper = spawn(sleep_for(1h));
    co_await yield_now();

    sleeper.cancel();
    co_await wait_done(sleeper);

    CHECK(sleeper.status() == TaskStatus::kCancelled);
    CHECK(now() == TimePoint{});
    co_await sleep(1s);
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("sleep: the deadline of a cancelled sleep does not end a later wait [C-04]") {
  run_async([]() -> Task<void> {
    const auto sleep_on = []() -> Task<TimePoint> {
      co_await thrown_by(sleep_for(1s));
      co_await sleep(1h);
      co_return now();
    };
    const TaskHandle<TimePoint> sleeper = spawn(sleep_on());
    co_await yield_now();

    sleeper.cancel();
    const TimePoint woken = co_await sleeper;

    CHECK(woken == TimePoint(1h));
  });
}

TEST_CASE("sleep: a cancel in the turn the time has come is delivered at once [C-04]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](std::string& out) -> Task<void> {
      co_await sleep(1s);
      out += "slept";
    };
    const auto cancel_at = [](Nanoseconds when, std::optional<TaskRef>& target) -> Task<void> {
      co_await sleep(when);
      target->cancel();
    };
    std::optional<TaskRef> target;
    detach(spawn(cancel_at(1s, target)));  // Wakes before the sleeper, at the same instant.
    const TaskHandle<void> sleeper = spawn(work(log));
    target = sleeper;

    co_await wait_done(sleeper);

    CHECK(log == "");
    CHECK(sleeper.status() == TaskStatus::kCancelled);
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("sleep: a cancel after the wake-up has been used comes at the next suspension [C-04]") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> sleeper = spawn(sleep_for(1s));
    co_await sleep(2s);

    const bool asked = sleeper.cancel();

    CHECK_FALSE(asked);
    CHECK(sleeper.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("sleep: a hundred thousand sleepers are cancelled in random order [C-04]") {
  run_async([]() -> Task<void> {
    constexpr int kSleepers = kSanitized ? 20'000 : 100'000;
    std::mt19937 random(3);
    std::vector<TaskHandle<void>> sleepers;
    for (int i = 0; i < kSleepers; ++i)
      sleepers.push_back(spawn(sleep_for(std::chrono::seconds(random() % 1000 + 1))));
    co_await yield_now();
    std::ranges::shuffle(sleepers, random);

    for (const auto& sleeper : sleepers) sleeper.cancel();
    co_await yield_now();

    CHECK(std::ranges::all_of(
        sleepers, [](const auto& sleeper) { return sleeper.status() == TaskStatus::kCancelled; }));
    CHECK(now() == TimePoint{});
  });
}

TEST_CASE("yield_now: lets every other ready task run once [T-22]") {
  run_async([]() -> Task<void> {
    std::string log;
    for (const char letter : {'a', 'b', 'c'}) detach(spawn(note_later(log, letter, 0)));

    co_await yield_now();
    log += '.';

    CHECK(log == "abc.");
  });
}

TEST_CASE("yield_now: a cancel while it waits for its turn is delivered") {
  run_async([]() -> Task<void> {
    std::string log;
    const TaskHandle<void> yielder = spawn(note_later(log, 'y', 1));
    co_await yield_now();

    yielder.cancel();
    co_await wait_done(yielder);

    CHECK(log == "");
    CHECK(yielder.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("sleep: a sleeping task takes a few hundred bytes [C-05]") {
  if (kSanitized) return;  // Their malloc does not count as the ordinary one does.
  constexpr std::size_t kSleepers = 100'000;
  std::size_t bytes = 0;

  // In a thread of its own, so that no frames of earlier cases lie ready.
  std::thread([&bytes] {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    Loop loop(std::move(options));
    const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
    for (std::size_t i = 0; i < kSleepers; ++i) detach(loop.spawn(sleep_for(1h)));
    loop.run_once();
    bytes = ::mallinfo2().uordblks + ::mallinfo2().hblkhd - before;
  }).join();

  CHECK(bytes / kSleepers < 800);
  CHECK(bytes / kSleepers > 100);
}

TEST_CASE("Loop: time on the virtual clock stands still while anything can run [C-01]") {
  run_async([]() -> Task<void> {
    std::string log;
    detach(spawn(note(log, 's', 1ns)));

    co_await turns(1000);
    CHECK(log == "");
    CHECK(now() == TimePoint{});
    co_await sleep(1ns);

    CHECK(log == "s");
  });
}

TEST_CASE("Loop: time on the real clock is the steady clock's [C-01]") {
  run_async_real([]() -> Task<void> {
    const TimePoint before = std::chrono::steady_clock::now();
    const TimePoint told = now();
    const TimePoint behind = std::chrono::steady_clock::now();

    CHECK(before <= told);
    CHECK(told <= behind);
    co_return;
  });
}

}  // namespace
}  // namespace brigade
