#include "brigade/runtime/run_sharded.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "brigade/runtime/run_in_loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

void run_shards(std::size_t count, ShardFunction function) {
  run_sharded(count, std::move(function), loop_options());
}

// What run_sharded() throws.
template <class Error>
std::string error_of(std::size_t count, ShardFunction function) {
  try {
    run_shards(count, std::move(function));
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

/// How many tasks have come to their sleep, and how many a cancel has ended there.
struct Sleepers {
  std::atomic<int> begun = 0;
  std::atomic<int> cancelled = 0;

  Task<void> sleep_until_cancelled() {
    ++begun;
    try {
      co_await sleep(1h);
    } catch (const Cancelled&) {
      ++cancelled;
      throw;
    }
  }
  Task<void> until_begun(int count) {
    while (begun < count) co_await yield_now();
  }
};

Task<int> add_to(int& sum, int value) { co_return sum += value; }

TEST_CASE("run_sharded: each shard has a thread and a loop of its own, shard 0 the caller's") {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::set<std::size_t> indices;
  int own_loops = 0;
  std::thread::id first;
  const auto note = [&](Shard shard) -> Task<void> {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    indices.insert(shard.index);
    if (shard.index == 0) first = std::this_thread::get_id();
    own_loops += shard.loops[shard.index] == &Loop::current() && shard.loops.size() == 3 ? 1 : 0;
    return turns(1);
  };

  run_shards(3, note);

  CHECK(threads.size() == 3);
  CHECK(indices == std::set<std::size_t>{0, 1, 2});
  CHECK(own_loops == 3);
  CHECK(first == std::this_thread::get_id());
}

// Every shard adds 1 at each of the others; what each has is touched by its own thread alone.
Task<void> add_everywhere(Shard shard, std::array<int, 4>& sums) {
  for (int round = 0; round < 100; ++round)
    for (std::size_t i = 0; i < shard.loops.size(); ++i)
      if (i != shard.index) co_await run_in_loop(*shard.loops[i], &add_to, std::ref(sums[i]), 1);
}

TEST_CASE("run_sharded: a shard is served by the others until all tasks have ended") {
  std::array<int, 4> sums{};
  const auto add = [&sums](Shard shard) { return add_everywhere(shard, sums); };

  run_shards(4, add);

  for (const int sum : sums) CHECK(sum == 300);
}

TEST_CASE("run_sharded: a shard whose task has ended still runs what is posted") {
  std::atomic<int> posted = 0;
  const auto ask = [](Shard from, std::atomic<int>& count) -> Task<void> {
    if (from.index > 0) co_return;
    for (Loop* const loop : from.loops.subspan(1)) {
      loop->post([&count] { ++count; });
      co_await run_in_loop(*loop, &turns, 1);  // Behind it.
    }
  };
  const auto post = [&](Shard shard) { return ask(shard, posted); };

  run_shards(3, post);

  CHECK(posted == 2);
}

Task<void> leave_behind(Sleepers& sleepers) {
  detach(spawn(sleepers.sleep_until_cancelled()));
  co_await turns(2);
}

TEST_CASE("run_sharded: tasks that a shard leaves behind are cancelled when all have ended") {
  Sleepers sleepers;
  const auto leave = [&sleepers](Shard) { return leave_behind(sleepers); };

  run_shards(2, leave);

  CHECK(sleepers.begun == 2);
  CHECK(sleepers.cancelled == 2);
}

// Shard 1, when the two others sleep.
Task<void> fail(Sleepers& sleepers) {
  co_await sleepers.until_begun(2);
  throw std::runtime_error("no fries");
}

TEST_CASE("run_sharded: the first error cancels the other shards, and is thrown behind them") {
  Sleepers sleepers;
  const auto fail_one = [&sleepers](Shard shard) {
    return shard.index == 1 ? fail(sleepers) : sleepers.sleep_until_cancelled();
  };

  CHECK(error_of<std::runtime_error>(3, fail_one) == "no fries");
  CHECK(sleepers.cancelled == 2);
}

TEST_CASE("run_sharded: a function that throws in one shard is an error of that shard") {
  Sleepers sleepers;
  const auto make = [&sleepers](Shard shard) {
    while (shard.index == 2 && sleepers.begun < 2) std::this_thread::yield();
    if (shard.index == 2) throw std::invalid_argument("no kitchen");
    return sleepers.sleep_until_cancelled();
  };

  CHECK(error_of<std::invalid_argument>(3, make) == "no kitchen");
  CHECK(sleepers.cancelled == 2);
}

Task<void> cancel_itself(Sleepers& sleepers) {
  co_await sleepers.until_begun(1);
  current_task().cancel();
  co_await yield_now();
}

TEST_CASE("run_sharded: a shard that ends by Cancelled cancels the others") {
  Sleepers sleepers;
  const auto give_up = [&sleepers](Shard shard) {
    return shard.index == 1 ? cancel_itself(sleepers) : sleepers.sleep_until_cancelled();
  };

  CHECK_THROWS_AS(run_shards(2, give_up), Cancelled);
  CHECK(sleepers.cancelled == 1);
}

Task<void> fail_to_clean_up(Sleepers& sleepers) {
  try {
    co_await sleepers.sleep_until_cancelled();
  } catch (const Cancelled&) {
    throw std::runtime_error("disk full");
  }
}

TEST_CASE("run_sharded: an error of the clean-up wins over the cancel it came by") {
  Sleepers sleepers;
  const auto fail_late = [&sleepers](Shard shard) {
    return shard.index == 1 ? cancel_itself(sleepers) : fail_to_clean_up(sleepers);
  };

  CHECK(error_of<std::runtime_error>(2, fail_late) == "disk full");
}

// Shard 0 has shard 1 sleep, until shard 2 fails.
Task<void> ask_to_sleep(Shard shard, Sleepers& sleepers) {
  const auto stay = [&sleepers] { return sleepers.sleep_until_cancelled(); };
  if (shard.index == 0) co_await run_in_loop(*shard.loops[1], stay);
  if (shard.index < 2) co_return;
  co_await sleepers.until_begun(1);
  throw std::runtime_error("over");
}

TEST_CASE("run_sharded: one that waits for another shard is cancelled over there as well") {
  Sleepers sleepers;
  const auto ask = [&sleepers](Shard shard) { return ask_to_sleep(shard, sleepers); };

  CHECK(error_of<std::runtime_error>(3, ask) == "over");
  CHECK(sleepers.cancelled == 1);
}

TEST_CASE("run_sharded: no shards, and the virtual clock, are refused") {
  const auto nothing = [](Shard) { return turns(0); };
  LoopOptions options;
  options.clock = ClockKind::kVirtual;

  CHECK_THROWS_AS(run_sharded(0, nothing), std::invalid_argument);
  CHECK_THROWS_AS(run_sharded(1, nothing, std::move(options)), std::invalid_argument);
}

TEST_CASE("run_sharded: a thread that cannot start is an error, and no shard runs") {
  const ChildEnd end = run_in_child([] {
    const auto say = [](Shard) -> Task<void> {
      std::fputs("runs\n", stderr);
      co_return;
    };
    forbid_threads(EAGAIN);
    try {
      run_shards(2, say);
    } catch (const std::system_error& error) {
      if (error.code().value() == EAGAIN) std::fputs("no thread\n", stderr);
    }
  });

  CHECK(end.exit_code == 0);
  CHECK(end.errors == "no thread\n");
}

// The last shard presses Ctrl-C, on its own thread, when all the others sleep.
Task<void> press_ctrl_c(Shard shard, Sleepers& sleepers) {
  const auto others = static_cast<int>(shard.loops.size()) - 1;
  if (shard.index == shard.loops.size() - 1) {
    co_await sleepers.until_begun(others);
    ::raise(SIGINT);
  }
  try {
    co_await sleepers.sleep_until_cancelled();
  } catch (const Cancelled&) {
    std::fputs("cancelled\n", stderr);
    throw;
  }
}

TEST_CASE("run_sharded: Ctrl-C cancels all shards, then SIGINT ends the process [T-29]") {
  const ChildEnd end = run_in_child([] {
    Sleepers sleepers;
    const auto press = [&sleepers](Shard shard) { return press_ctrl_c(shard, sleepers); };
    try {
      run_shards(3, press);
    } catch (...) {
      std::fputs("hidden\n", stderr);
    }
  });

  CHECK(end.signal == SIGINT);
  CHECK(end.errors == "cancelled\ncancelled\ncancelled\n");
}

TEST_CASE("run_sharded: shards that return in spite of Ctrl-C end it as they wish") {
  const ChildEnd end = run_in_child([] {
    Sleepers sleepers;
    const auto insist = [](Shard shard, Sleepers& state) -> Task<void> {
      try {
        co_await press_ctrl_c(shard, state);
      } catch (const Cancelled&) {
      }
    };
    const auto press = [&](Shard shard) { return insist(shard, sleepers); };
    run_shards(2, press);
    std::fputs("went on\n", stderr);
  });

  CHECK(end.signal == 0);
  CHECK(end.errors == "cancelled\ncancelled\nwent on\n");
}

}  // namespace
}  // namespace brigade
