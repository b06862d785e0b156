#include "brigade/runtime/wait.h"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Handles = std::vector<TaskHandle<void>>;

TimePoint now() { return Loop::current().now(); }

Task<void> sleep_for(Nanoseconds duration) { co_await sleep(duration); }

Task<void> fail_after(Nanoseconds duration) {
  co_await sleep(duration);
  throw std::runtime_error("boom");
}

Task<void> never_cancelled(Nanoseconds duration) {
  for (bool cancelled = true; cancelled;) {
    const std::string thrown = co_await thrown_by(sleep_for(duration));
    cancelled = thrown == "Cancelled";
  }
}

Task<void> wait_for(Handles handles) { co_await wait(std::move(handles)); }

std::string names(const Handles& handles) {
  std::string all;
  for (const auto& handle : handles) all += handle.name();
  return all;
}

// "done|pending", and when.
Task<std::string> split(Handles handles, WaitMode mode,
                        std::optional<Nanoseconds> limit = std::nullopt) {
  const TimePoint start = now();
  const auto result = co_await wait(std::move(handles), mode, limit);
  co_return names(result.done) + "|" + names(result.pending) + " after " +
      std::to_string((now() - start) / 1s);
}

void mark_retrieved(const Handles& handles) {
  for (const auto& handle : handles) static_cast<void>(handle.error());
}

// The five states a member can be in. Each has its letter as its name.
//   d: has ended  e: ends after 2 s  f: throws after 1 s  c: is cancelled after 3 s  p: never ends
// and the two that are over from the start: F has thrown, C was cancelled.
TaskHandle<void> member(char state) {
  const std::string name(1, state);
  switch (state) {
    case 'd':
      return spawn(sleep_for(0s), name);
    case 'e':
      return spawn(sleep_for(2s), name);
    case 'f':
      return spawn(fail_after(1s), name);
    case 'F':
      return spawn(fail_after(0s), name);
    default:
      return spawn(sleep_for(1h), name);
  }
}

Task<void> cancel_after(Nanoseconds duration, TaskRef task) {
  if (duration > 0s) co_await sleep(duration);
  task.cancel();
}

Task<Handles> members(std::string states) {
  Handles handles;
  for (const char state : states) {
    handles.push_back(member(state));
    if (state == 'c') detach(spawn(cancel_after(3s, handles.back())));
    if (state == 'C') detach(spawn(cancel_after(0s, handles.back())));
  }
  co_await turns(5);
  co_return handles;
}

TEST_CASE(
    "wait: the modes, over members that have ended, end, fail, are cancelled, or go on [T-17]") {
  struct Row {
    const char* states;
    WaitMode mode;
    const char* expected;
  };
  static constexpr auto kAll = WaitMode::kAll;
  static constexpr auto kCompleted = WaitMode::kFirstCompleted;
  static constexpr auto kException = WaitMode::kFirstException;
  static constexpr Row kRows[] = {
      {"d", kAll, "d| after 0"},
      {"d", kCompleted, "d| after 0"},
      {"d", kException, "d| after 0"},
      {"e", kAll, "e| after 2"},
      {"e", kCompleted, "e| after 2"},
      {"e", kException, "e| after 2"},
      {"f", kAll, "f| after 1"},
      {"f", kCompleted, "f| after 1"},
      {"f", kException, "f| after 1"},
      {"c", kAll, "c| after 3"},
      {"c", kCompleted, "c| after 3"},
      {"c", kException, "c| after 3"},
      {"F", kAll, "F| after 0"},
      {"C", kAll, "C| after 0"},
      {"C", kException, "C| after 0"},
      {"p", kAll, "p| after 3600"},
      {"ed", kAll, "ed| after 2"},
      {"ed", kCompleted, "d|e after 0"},
      {"ed", kException, "ed| after 2"},
      {"pf", kCompleted, "f|p after 1"},
      {"pf", kException, "f|p after 1"},
      {"pc", kCompleted, "c|p after 3"},
      {"pF", kException, "F|p after 0"},
      {"pC", kException, "pC| after 3600"},
      {"pe", kCompleted, "e|p after 2"},
      {"ecf", kAll, "ecf| after 3"},
      {"cfe", kException, "f|ce after 1"},
      {"ec", kException, "ec| after 3"},
      {"pfecd", kCompleted, "d|pfec after 0"},
      {"pfecd", kException, "fd|pec after 1"},
      {"pfecd", kAll, "pfecd| after 3600"},
      {"FdCp", kCompleted, "FdC|p after 0"},
  };
  static std::size_t row;
  for (row = 0; row < std::size(kRows); ++row) {
    run_async([]() -> Task<void> {
      const Row& own = kRows[row];
      const Handles handles = co_await members(own.states);

      const std::string got = co_await split(handles, own.mode);

      INFO("members ", own.states, ", mode ", static_cast<int>(own.mode));
      CHECK(got == own.expected);
      mark_retrieved(handles);
    });
  }
}

TEST_CASE("wait: the losers keep running [T-17]") {
  run_async([]() -> Task<void> {
    const Handles handles = co_await members("pe");

    const std::string got = co_await split(handles, WaitMode::kFirstCompleted);

    CHECK(got == "e|p after 2");
    CHECK(handles[0].status() == TaskStatus::kRunning);
    co_await handles[0];
  });
}

TEST_CASE("wait: after the limit what has not ended is pending; nothing is cancelled or thrown") {
  run_async([]() -> Task<void> {
    const Handles handles = co_await members("pfecd");

    const std::string got = co_await split(handles, WaitMode::kAll, 2500ms);

    CHECK(got == "fed|pc after 2");
    CHECK(handles[0].status() == TaskStatus::kRunning);
    mark_retrieved(handles);
  });
}

TEST_CASE("wait: a limit that is not reached leaves no timer behind") {
  run_async([]() -> Task<void> {
    const Handles handles = co_await members("e");

    const std::string got = co_await split(handles, WaitMode::kAll, 10s);
    co_await sleep(1s);

    CHECK(got == "e| after 2");
    CHECK(now() == TimePoint(3s));
  });
}

TEST_CASE("wait: with a limit of zero or less tells what has ended, without a turn [T-18]") {
  run_async([]() -> Task<void> {
    const Handles handles = co_await members("pd");
    bool others_ran = false;
    const auto note = [](bool& flag) -> Task<void> {
      flag = true;
      co_return;
    };
    detach(spawn(note(others_ran)));

    const std::string zero = co_await split(handles, WaitMode::kAll, 0s);
    const std::string less = co_await split(handles, WaitMode::kAll, Nanoseconds::min());

    CHECK(zero == "d|p after 0");
    CHECK(less == "d|p after 0");
    CHECK_FALSE(others_ran);
  });
}

TEST_CASE("wait: for no task is an error [T-18]") {
  run_async([]() -> Task<void> {
    Handles none;

    const std::string thrown = co_await thrown_by(wait_for(std::move(none)));

    CHECK(thrown == "std::invalid_argument('wait() for no task')");
  });
}

TEST_CASE("wait: for tasks that have all ended needs no turn [T-18]") {
  run_async([]() -> Task<void> {
    const Handles handles = co_await members("ddd");
    bool others_ran = false;
    const auto note = [](bool& flag) -> Task<void> {
      flag = true;
      co_return;
    };
    detach(spawn(note(others_ran)));

    const std::string got = co_await split(handles, WaitMode::kAll);

    CHECK(got == "ddd| after 0");
    CHECK_FALSE(others_ran);
  });
}

TEST_CASE("wait: a handle given twice comes back once [T-18]") {
  run_async([]() -> Task<void> {
    const Handles two = co_await members("ep");
    Handles four;
    for (const int i : {0, 1, 0, 1}) four.push_back(two[static_cast<std::size_t>(i)]);

    const std::string first = co_await split(four, WaitMode::kFirstCompleted);
    const std::string all = co_await split(four, WaitMode::kAll);

    CHECK(first == "e|p after 2");
    CHECK(all == "ep| after 3598");
  });
}

TEST_CASE("wait: tasks of different results are waited for as TaskRefs") {
  run_async([]() -> Task<void> {
    const auto give = []() -> Task<int> { co_return 7; };
    const TaskHandle<int> number = spawn(give(), "number");
    const TaskHandle<void> sleeper = spawn(sleep_for(1s), "sleeper");
    std::vector<TaskRef> tasks;
    tasks.push_back(number);
    tasks.push_back(sleeper);

    const auto result = co_await wait(std::move(tasks), WaitMode::kFirstCompleted);

    REQUIRE(result.done.size() == 1);
    CHECK(result.done[0].name() == "number");
    REQUIRE(result.pending.size() == 1);
    CHECK(result.pending[0].name() == "sleeper");
  });
}

TEST_CASE("wait: cancelling the waiter leaves the tasks alone, a hundred thousand times [T-19]") {
  run_async([]() -> Task<void> {
    constexpr int kRounds = kSanitized ? 5'000 : 100'000;
    const Handles handles = co_await members("ppp");
    std::size_t frames = 0;

    for (int round = 0; round < kRounds; ++round) {
      const TaskHandle<void> waiter = spawn(wait_for(handles));
      co_await yield_now();
      waiter.cancel();
      co_await wait_done(waiter);
      if (round == 0) frames = Loop::current().ledger().frames;
      REQUIRE(Loop::current().ledger().frames == frames);
      REQUIRE(waiter.status() == TaskStatus::kCancelled);
    }

    for (const auto& handle : handles) {
      CHECK(handle.status() == TaskStatus::kRunning);
      handle.cancel();  // Would walk what the waiters left in the list of joiners.
      co_await wait_done(handle);
    }
  });
}

TEST_CASE("wait: a cancel in the turn a member ends does not lose the result [T-19]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](Handles handles, std::string& out) -> Task<void> {
      const auto result = co_await wait(std::move(handles));
      out += names(result.done);
      co_await yield_now();
      out += " went on";
    };
    Handles handles = co_await members("e");
    const TaskHandle<void> waiter = spawn(work(handles, log));
    co_await yield_now();

    co_await handles[0];  // Joins behind the waiter: both are woken by the end, the waiter first.
    waiter.cancel();
    co_await wait_done(waiter);

    CHECK(log == "e");
    CHECK(waiter.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE(
    "wait: a member that ends between the cancel and its delivery wakes nobody twice [T-19]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto work = [](Handles handles, std::string& out) -> Task<void> {
      out += co_await thrown_by(wait_for(std::move(handles))) + " ";
      co_await turns(3);
      out += "went on";
    };
    const Handles handles = co_await members("p");
    const TaskHandle<void> waiter = spawn(work(handles, log));
    co_await yield_now();

    handles[0].cancel();  // Ends in the next turn, before the waiter is resumed.
    waiter.cancel();
    co_await waiter;

    CHECK(log == "Cancelled went on");
    CHECK(handles[0].status() == TaskStatus::kCancelled);
  });
}

// Not by comparing each with each: that would take minutes.
TEST_CASE(
    "wait: a hundred thousand handles, each given twice, come back once and in order [T-18]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTasks = 100'000;
    Handles handles;
    for (std::size_t i = 0; i < kTasks; ++i) handles.push_back(spawn(sleep_for(0ns)));
    const Handles once = handles;
    handles.insert(handles.end(), once.begin(), once.end());

    const WaitResult<TaskHandle<void>> result = co_await wait(std::move(handles));

    CHECK(result.done == once);
    CHECK(result.pending.empty());
  });
}

TEST_CASE("wait: many may wait for the same tasks [T-19]") {
  run_async([]() -> Task<void> {
    const Handles handles = co_await members("ee");
    Handles waiters;
    for (int i = 0; i < 10; ++i) waiters.push_back(spawn(wait_for(handles)));

    co_await wait_for(handles);
    co_await turns(2);

    for (const auto& waiter : waiters) CHECK(waiter.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("wait: a member that swallows a cancel is waited for") {
  run_async([]() -> Task<void> {
    Handles handles;
    handles.push_back(spawn(never_cancelled(2s)));
    co_await yield_now();
    handles[0].cancel();

    const auto result = co_await wait(handles);

    CHECK(result.done.size() == 1);
    CHECK(handles[0].status() == TaskStatus::kFinished);
    CHECK(now() == TimePoint(2s));
  });
}

TEST_CASE("wait: awaiting oneself among others is an error [T-14]") {
  run_async([]() -> Task<void> {
    std::vector<TaskRef> tasks;
    const auto wait_for_self = [](std::vector<TaskRef>& all) -> Task<std::string> {
      const auto attempt = [](std::vector<TaskRef> own) -> Task<void> {
        co_await wait(std::move(own), WaitMode::kAll, 1s);
      };
      co_return co_await thrown_by(attempt(all));
    };
    const TaskHandle<std::string> self = spawn(wait_for_self(tasks), "narcissus");
    tasks.push_back(self);

    const std::string thrown = co_await self;

    CHECK(thrown == "std::logic_error('task 'narcissus' awaits itself')");
    tasks.clear();
  });
}

TEST_CASE("wait: awaiting a task of another loop is an error [T-14]") {
  Loop other;
  Handles foreign;
  foreign.push_back(other.spawn(sleep_for(1h), "foreign"));
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  const auto attempt = [](Handles handles) -> Task<void> {
    co_await wait(std::move(handles), WaitMode::kAll, 1s);
  };

  const std::string thrown = loop.run_until_complete(thrown_by(attempt(foreign)));

  CHECK(thrown == "std::logic_error('task 'foreign' belongs to another loop')");
}

}  // namespace
}  // namespace brigade
