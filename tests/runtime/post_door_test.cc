#include "brigade/runtime/post_door.h"

#include <poll.h>

#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 8;
constexpr int kPosts = kSanitized ? 20'000 : 125'000;  // Of each thread: a million in all.

bool readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

TEST_CASE("PostDoor: runs what was posted, oldest first, once") {
  const auto owned = std::make_unique<PostDoor>();  // GCC 12 aligns no stack that ASan keeps.
  PostDoor& door = *owned;
  std::string log;
  for (const char letter : {'a', 'b', 'c'}) door.post([&log, letter] { log += letter; });
  CHECK(log == "");

  door.run_posted();
  door.run_posted();

  CHECK(log == "abc");
}

TEST_CASE("PostDoor: what a posted function posts runs the next time") {
  const auto owned = std::make_unique<PostDoor>();  // GCC 12 aligns no stack that ASan keeps.
  PostDoor& door = *owned;
  std::string log;
  door.post([&] {
    log += 'a';
    door.post([&] { log += 'b'; });
  });

  door.run_posted();
  CHECK(log == "a");
  door.run_posted();

  CHECK(log == "ab");
}

TEST_CASE("PostDoor: the wake-up is written only for a loop that sleeps, and once") {
  const auto owned = std::make_unique<PostDoor>();  // GCC 12 aligns no stack that ASan keeps.
  PostDoor& door = *owned;

  door.post([] {});
  CHECK_FALSE(readable(door.wake_fd()));
  CHECK_FALSE(door.prepare_sleep());  // Something is posted: it must not sleep.
  door.run_posted();
  CHECK(door.prepare_sleep());
  door.post([] {});

  CHECK(readable(door.wake_fd()));
  door.clear_wake();
  CHECK_FALSE(readable(door.wake_fd()));
  door.post([] {});  // It has been woken already.
  CHECK_FALSE(readable(door.wake_fd()));
}

TEST_CASE("PostDoor: what nobody ran is destroyed with the door") {
  const auto token = std::make_shared<int>(1);

  {
    const auto owned = std::make_unique<PostDoor>();
    PostDoor& door = *owned;
    door.post([token] {});
    CHECK(token.use_count() == 2);
  }

  CHECK(token.use_count() == 1);
}

TEST_CASE("PostDoor: once it is closed, what is posted and what will be is destroyed at once") {
  const auto token = std::make_shared<int>(1);
  const auto owned = std::make_unique<PostDoor>();  // GCC 12 aligns no stack that ASan keeps.
  PostDoor& door = *owned;
  bool ran = false;
  // What is destroyed may post in turn.
  const auto again = [&door, token](int*) { door.post([token] {}); };
  door.post([&ran, token, last = std::shared_ptr<int>(nullptr, again)] { ran = true; });
  CHECK(token.use_count() == 4);

  door.close();
  CHECK(token.use_count() == 2);  // The other one is in `again`.
  door.post([token] {});
  door.close();

  CHECK(token.use_count() == 2);
  CHECK_FALSE(ran);
}

TEST_CASE("Loop: nothing that eight threads post is lost, and each one's order is kept [T-24]") {
  Loop loop(loop_options());
  std::vector<int> next(kThreads, 0);
  bool in_order = true;
  int received = 0;
  std::vector<std::thread> threads;
  {
    const Loop::ExternalWork expected(loop);
    const auto post_all = [&](int thread) {
      std::minstd_rand random(static_cast<unsigned>(thread) + 1);
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, thread, i] {
          in_order = in_order && next[static_cast<std::size_t>(thread)]++ == i;
          if (++received == kThreads * kPosts) loop.stop();
        });
        if (random() % 1024 == 0) std::this_thread::sleep_for(50us);  // Lets the loop fall asleep.
      }
    };
    for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back(post_all, thread);

    loop.run_forever();
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(received == kThreads * kPosts);
  CHECK(in_order);
  close_and_check(loop);
}

TEST_CASE("Loop: a post wakes a loop that sleeps, ten thousand times over [T-24]") {
  // Ping-pong: each side waits for the other, so one lost wake-up hangs the test.
  constexpr int kRounds = kSanitized ? 2'000 : 10'000;
  Loop loop(loop_options());
  const Loop::ExternalWork expected(loop);
  std::atomic<int> seen = 0;
  std::thread other([&] {
    for (int round = 1; round <= kRounds; ++round) {
      loop.post([&seen, round] {
        seen.store(round);
        seen.notify_one();
      });
      seen.wait(round - 1);
    }
    loop.post([&loop] { loop.stop(); });
  });

  loop.run_forever();
  other.join();

  CHECK(seen.load() == kRounds);
}

TEST_CASE("Loop: a post while a task sleeps runs before the sleep is over") {
  run_async_real([]() -> Task<void> {
    Loop& loop = Loop::current();
    std::string log;
    std::optional<TaskRef> sleeper;
    const auto nap = []() -> Task<void> { co_await sleep(1h); };
    const TaskHandle<void> napper = spawn(nap());
    sleeper = napper;
    const Loop::ExternalWork expected(loop);
    std::thread other([&] { loop.post([&] { sleeper->cancel(); }); });

    co_await wait_done(napper);
    other.join();

    CHECK(napper.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE(
    "Loop: while external work is expected, waiting is no deadlock and the virtual clock stands") {
  run_async([]() -> Task<void> {
    Loop& loop = Loop::current();
    const auto nap = []() -> Task<void> { co_await sleep(1h); };
    const TaskHandle<void> napper = spawn(nap());
    co_await yield_now();
    bool posted = false;
    std::optional<Loop::ExternalWork> expected(std::in_place, loop);
    std::thread other([&] {
      std::this_thread::sleep_for(5ms);
      loop.post([&] {
        posted = true;
        CHECK(loop.now() == TimePoint{});
        expected.reset();
      });
    });

    co_await napper;
    other.join();

    CHECK(posted);
    CHECK(loop.now() == TimePoint(1h));
  });
}

TEST_CASE("Loop: what is posted to a closed loop never runs, and is destroyed") {
  const auto token = std::make_shared<int>(1);
  bool ran = false;
  const auto run = [&ran, token] { ran = true; };
  Loop loop(loop_options());
  loop.post(run);
  CHECK(token.use_count() == 3);

  loop.close();
  loop.post(run);

  CHECK(token.use_count() == 2);
  CHECK_FALSE(ran);
}

}  // namespace
}  // namespace brigade
