// Random programs on the virtual clock, whose tasks are cancelled at every kind of suspension
// point. Prints its seed; BRIGADE_SEED=<seed> plays the same programs again.

#include <cstdint>
#include <cstdio>
#include <deque>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/runtime/wait.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/semaphore.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 24;
constexpr int kSteps = 60;
constexpr std::size_t kPermits = 3;
constexpr std::uint64_t kUsualCancels = kSanitized ? 15'000 : 120'000;

struct World;

struct Worker {
  std::optional<TaskHandle<void>> handle = {};
  bool cancel_due = false;  // Asked for by another worker or the saboteur, not delivered yet.
  Pipe pipe = {};
};

Task<std::vector<int>> refill(World& world, std::size_t size);

// What the tasks of one program share, and what is counted to judge them.
struct World {
  explicit World(std::uint64_t seed)
      : random(seed), cache(5, [this](std::size_t size) { return refill(*this, size); }) {}

  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); }
  Nanoseconds moment() { return Nanoseconds(below(4)); }  // Short, so that many are equal.
  Worker& any_worker() { return workers[static_cast<std::size_t>(below(int{kWorkers}))]; }

  void expect(bool ok, const char* rule) {
    if (!ok && broken_rule.empty()) broken_rule = rule;
  }
  void cancel(Worker& worker) {
    if (!worker.handle || !worker.handle->cancel()) return;
    worker.cancel_due = true;
    ++cancels;
  }

  std::mt19937_64 random;
  Lock lock;
  Semaphore semaphore{kPermits};
  BatchCache<int> cache;
  std::deque<Worker> workers{kWorkers};
  std::size_t lock_holders = 0;
  std::size_t permit_holders = 0;
  std::vector<bool> item_taken = {};  // Per item that a refill delivered.
  std::size_t items_taken = 0;
  std::uint64_t cancels = 0;
  std::uint64_t delivered = 0;
  std::string broken_rule = {};
};

// One more of something, for a scope.
class Counted {
 public:
  explicit Counted(std::size_t& count) noexcept : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

Task<std::vector<int>> refill(World& world, std::size_t size) {
  co_await sleep(world.moment());
  if (world.below(10) == 0) throw std::runtime_error("no refill today");
  std::vector<int> batch;
  for (std::size_t i = 0; i < size; ++i) {
    batch.push_back(static_cast<int>(world.item_taken.size()));
    world.item_taken.push_back(false);
  }
  co_return batch;
}

Task<void> pause(World& world, Worker& self) {
  if (world.below(2) == 0)
    co_await yield_now();
  else
    co_await sleep(world.moment());
  world.expect(!self.cancel_due, "a sleep or yield ended well although a cancel was due");
}

Task<void> use_lock(World& world, Worker& self) {
  const Lock::Guard guard = co_await world.lock.acquire();
  world.expect(world.lock_holders == 0 && world.lock.locked(), "two tasks hold the lock");
  const Counted holder(world.lock_holders);
  if (world.below(3) > 0) co_await pause(world, self);
}

Task<void> use_semaphore(World& world, Worker& self) {
  Semaphore::Permit permit = co_await world.semaphore.acquire();
  {
    const Counted holder(world.permit_holders);
    world.expect(world.permit_holders + world.semaphore.available() <= kPermits,
                 "there are more permits than there were");
    if (world.below(3) > 0) co_await pause(world, self);
  }
  permit.release();
  if (world.below(2) == 0) world.cancel(world.any_worker());  // In the turn of the hand-over.
}

Task<void> use_cache(World& world) {
  try {
    const int item = co_await world.cache.get();
    const auto index = static_cast<std::size_t>(item);
    world.expect(!world.item_taken[index], "an item was handed out twice");
    world.item_taken[index] = true;
    ++world.items_taken;
  } catch (const std::runtime_error&) {  // The refill failed.
  }
}

Task<void> nap(Nanoseconds duration) { co_await sleep(duration); }

Task<void> join(World& world) {
  const TaskHandle<void> helper = spawn(nap(world.moment()));
  if (world.below(4) == 0) helper.cancel();
  co_await wait_done(helper);
  world.expect(helper.done(), "a join ended before its task");
}

Task<void> wait_for_some(World& world) {
  std::vector<TaskHandle<void>> helpers;
  for (int i = world.below(3); i >= 0; --i) helpers.push_back(spawn(nap(world.moment())));
  if (world.below(4) == 0) helpers.front().cancel();
  const auto mode = static_cast<WaitMode>(world.below(3));
  const std::size_t count = helpers.size();
  std::optional<Nanoseconds> limit;
  if (world.below(2) == 0) limit = world.moment();
  const auto result = co_await wait(std::move(helpers), mode, limit);
  world.expect(result.done.size() + result.pending.size() == count, "wait() lost a handle");
  if (!limit) world.expect(!result.done.empty(), "wait() returned for nothing");
}

Task<void> gather_naps(World& world) {
  co_await gather(nap(world.moment()), nap(world.moment()), nap(world.moment()));
}

// In a task of its own: gather() catches a cancel and awaits again, so it may owe a second one.
Task<void> gather_some(World& world) {
  const TaskHandle<void> gatherer = spawn(gather_naps(world));
  co_await yield_now();
  for (int i = world.below(3); i > 0; --i) {
    gatherer.cancel();
    co_await yield_now();
  }
  co_await wait_done(gatherer);
}

Task<void> write_later(const Pipe& pipe, Nanoseconds duration) {
  co_await sleep(duration);
  pipe.write_byte();
}

// A byte that is announced is there; one that a cancel left behind is taken by its writer's joiner.
Task<void> read_pipe(World& world, Worker& self) {
  if (world.below(2) == 0)
    self.pipe.write_byte();
  else
    detach(spawn(write_later(self.pipe, world.moment())));
  co_await wait_readable(self.pipe.reader.get());
  self.pipe.read_byte();
}

Task<void> any_operation(World& world, Worker& self, int depth);

Task<void> within_a_timeout(World& world, Worker& self, int depth) {
  const Nanoseconds limit = world.moment();
  const TimePoint start = Loop::current().now();
  try {
    co_await timeout(limit, any_operation(world, self, depth + 1));
  } catch (const TimeoutError&) {
    world.expect(Loop::current().now() >= start + limit, "a timeout came early");
    world.expect(!self.cancel_due, "a TimeoutError won over a cancel from outside");
  }
}

Task<void> any_operation(World& world, Worker& self, int depth) {
  switch (world.below(depth < 3 ? 11 : 9)) {
    case 0:
      co_return co_await pause(world, self);
    case 1:
      co_return co_await use_lock(world, self);
    case 2:
      co_return co_await use_semaphore(world, self);
    case 3:
      co_return co_await use_cache(world);
    case 4:
      co_return co_await join(world);
    case 5:
      co_return co_await wait_for_some(world);
    case 6:
      co_return co_await gather_some(world);
    case 7:
      co_return co_await read_pipe(world, self);
    case 8:
      world.cancel(world.any_worker());  // Perhaps itself.
      co_return;
    default:
      co_return co_await within_a_timeout(world, self, depth);
  }
}

// Goes on after most cancels, so that it meets many.
Task<void> work(World& world, Worker& self) {
  for (int step = 0; step < kSteps; ++step) {
    bool cancelled = false;
    try {
      co_await any_operation(world, self, 0);
    } catch (const Cancelled&) {
      cancelled = true;
    }
    if (!cancelled) continue;
    ++world.delivered;
    world.expect(self.cancel_due, "a Cancelled that nobody asked for");
    self.cancel_due = false;
    if (world.below(50) == 0) throw Cancelled();
  }
}

Task<void> sabotage(World& world) {
  for (bool any_left = true; any_left;) {
    for (int i = world.below(4); i > 0; --i) world.cancel(world.any_worker());
    if (world.below(2) == 0)
      co_await yield_now();
    else
      co_await sleep(world.moment());
    any_left = false;
    for (const Worker& worker : world.workers) any_left = any_left || !worker.handle->done();
  }
}

Task<void> play(World& world) {
  for (Worker& worker : world.workers) worker.handle.emplace(spawn(work(world, worker)));
  co_await sabotage(world);
  for (const Worker& worker : world.workers)
    world.expect(worker.handle->status() != TaskStatus::kError, "a worker failed");
  co_await sleep(1s);  // What the workers left behind ends by itself.
}

// Returns how many cancels were asked for.
std::uint64_t run_program(std::uint64_t seed) {
  INFO("seed=", seed);
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(loop_options(std::move(options)));
  std::uint64_t cancels = 0;
  {
    World world(seed);
    loop.run_until_complete(play(world));
    CHECK(loop.ledger().tasks == 0);
    CHECK_FALSE(world.lock.locked());
    CHECK(world.semaphore.available() == kPermits);
    CHECK(world.lock_holders == 0);
    CHECK(world.permit_holders == 0);
    CHECK(world.items_taken + world.cache.available() == world.item_taken.size());
    CHECK(world.delivered <= world.cancels);
    CHECK(world.delivered > 0);
    CHECK(world.broken_rule == "");
    cancels = world.cancels;
  }
  close_and_check(loop);
  return cancels;
}

TEST_CASE("Cancel: at any suspension point, an operation happened or threw Cancelled, never both") {
  std::uint64_t seed = test_seed();
  std::uint64_t cancels = 0;
  std::uint64_t programs = 0;

  const std::uint64_t wanted = test_cancels(kUsualCancels);
  for (; cancels < wanted; ++programs) cancels += run_program(seed++);

  std::printf("%llu cancels in %llu programs\n", static_cast<unsigned long long>(cancels),
              static_cast<unsigned long long>(programs));
}

}  // namespace
}  // namespace brigade
