#include "brigade/runtime/timer_heap.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

// Notes its number when it fires.
class NotedTimer : public Timer {
 public:
  NotedTimer(int number, std::vector<int>& log) noexcept
      : Timer(&fire), number_(number), log_(log) {}
  int number() const noexcept { return number_; }

 private:
  static void fire(Timer& timer) noexcept {
    auto& self = static_cast<NotedTimer&>(timer);
    self.log_.push_back(self.number_);
  }

  int number_;
  std::vector<int>& log_;
};

TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

TEST_CASE("TimerHeap: fires what is due, in the order of the deadlines [C-03]") {
  std::vector<int> log;
  NotedTimer a(1, log), b(2, log), c(3, log);
  TimerHeap heap;
  heap.arm(c, at(3));
  heap.arm(a, at(1));
  heap.arm(b, at(2));

  heap.fire_due(at(0));
  CHECK(log.empty());
  heap.fire_due(at(2));
  CHECK(log == std::vector<int>{1, 2});
  CHECK(heap.earliest() == at(3));
  heap.fire_due(at(3));

  CHECK(log == std::vector<int>{1, 2, 3});
  CHECK(heap.empty());
  CHECK_FALSE(c.armed());
}

TEST_CASE("TimerHeap: equal deadlines fire in the order of arming [C-03]") {
  std::vector<int> log;
  std::deque<NotedTimer> timers;
  TimerHeap heap;
  std::vector<int> expected;
  for (int i = 0; i < 1000; ++i) {
    heap.arm(timers.emplace_back(i, log), at(i % 3));
    expected.push_back(i);
  }
  std::ranges::sort(expected, {}, [](int i) { return std::pair(i % 3, i); });

  heap.fire_due(at(5));

  CHECK(log == expected);
}

TEST_CASE("TimerHeap: disarm before, at and after the expiry [C-04]") {
  std::vector<int> log;
  NotedTimer a(1, log), b(2, log);
  TimerHeap heap;
  heap.arm(a, at(1));
  heap.arm(b, at(2));

  heap.disarm(a);
  heap.fire_due(at(2));
  heap.disarm(b);  // Has fired: nothing to do.
  heap.disarm(b);

  CHECK(log == std::vector<int>{2});
  CHECK(heap.empty());
}

TEST_CASE("TimerHeap: after a stall of an hour each overdue timer fires once, in order [C-07]") {
  std::vector<int> log;
  std::deque<NotedTimer> timers;
  TimerHeap heap;
  for (int i = 0; i < 60; ++i) heap.arm(timers.emplace_back(i, log), at(59 - i));

  heap.fire_due(at(3600));
  heap.fire_due(at(3601));

  CHECK(log.size() == 60);
  CHECK(std::ranges::is_sorted(log, std::ranges::greater()));
}

TEST_CASE("TimerHeap: a firing timer may arm itself and disarm others") {
  struct Chain : Timer {
    Chain(TimerHeap& owner, Timer& other) noexcept : Timer(&fire), heap(owner), victim(other) {}
    static void fire(Timer& timer) noexcept {
      auto& self = static_cast<Chain&>(timer);
      self.heap.disarm(self.victim);
      if (++self.fired < 3) self.heap.arm(self, at(self.fired));
    }
    TimerHeap& heap;
    Timer& victim;
    int fired = 0;
  };
  std::vector<int> log;
  NotedTimer victim(1, log);
  TimerHeap heap;
  Chain chain(heap, victim);
  heap.arm(chain, at(0));
  heap.arm(victim, at(0));

  heap.fire_due(at(10));

  CHECK(chain.fired == 3);
  CHECK(log.empty());
  CHECK(heap.empty());
}

TEST_CASE("TimerHeap: agrees with a sorted map in random operations") {
  std::mt19937 random(20240607);
  std::vector<int> log;
  std::deque<NotedTimer> timers;
  std::vector<TimePoint> deadlines;
  std::map<std::pair<TimePoint, int>, NotedTimer*> model;  // Sequence and number are the same.
  TimerHeap heap;
  TimePoint now{};

  for (int i = 0; i < 20'000; ++i) {
    const TimePoint deadline = now + std::chrono::seconds(random() % 50);
    NotedTimer& timer = timers.emplace_back(i, log);
    deadlines.push_back(deadline);
    heap.arm(timer, deadline);
    model.emplace(std::pair(deadline, i), &timer);
    if (random() % 2 == 0) {
      const int victim = static_cast<int>(random() % timers.size());
      const bool armed = model.erase({deadlines[static_cast<std::size_t>(victim)], victim}) == 1;
      REQUIRE(timers[static_cast<std::size_t>(victim)].armed() == armed);
      heap.disarm(timers[static_cast<std::size_t>(victim)]);
    }
    if (random() % 8 != 0) continue;
    now += std::chrono::seconds(random() % 5);
    std::vector<int> expected;
    while (!model.empty() && model.begin()->first.first <= now) {
      expected.push_back(model.begin()->first.second);
      model.erase(model.begin());
    }
    log.clear();
    heap.fire_due(now);
    REQUIRE(log == expected);
    REQUIRE(heap.empty() == model.empty());
    if (!model.empty()) REQUIRE(heap.earliest() == model.begin()->first.first);
  }
}

TEST_CASE("TimerHeap: a million timers are disarmed in random order [C-04]") {
  constexpr int kTimers = kSanitized ? 200'000 : 1'000'000;
  std::mt19937 random(7);
  std::vector<int> log;
  std::deque<NotedTimer> timers;
  TimerHeap heap;
  std::vector<NotedTimer*> order;
  for (int i = 0; i < kTimers; ++i) {
    heap.arm(timers.emplace_back(i, log), at(static_cast<int>(random() % 100'000)));
    order.push_back(&timers.back());
  }
  std::ranges::shuffle(order, random);

  for (NotedTimer* timer : order) heap.disarm(*timer);

  CHECK(heap.empty());
  heap.fire_due(TimePoint::max());
  CHECK(log.empty());
}

}  // namespace
}  // namespace brigade
