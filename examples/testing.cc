// How a program is tested: on the virtual clock, in many orders, in every order with a cancel at
// every moment, on an unreliable back end, without memory; and what a deadlock looks like.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/loop.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/lock.h"
#include "brigade/testing/chaos.h"
#include "brigade/testing/schedules.h"

using namespace brigade;
using namespace std::chrono_literals;

void expect(bool ok, const char* what) {
  if (!ok) throw std::logic_error(what);
}

// What is tested: a dish takes ten minutes at a stove for one.
Task<void> cook(Lock& stove) {
  const Lock::Guard guard = co_await stove.acquire();
  co_await sleep(10min);
}

Task<void> six_dishes() {
  Lock stove;
  std::vector<Task<void>> dishes;
  for (int i = 0; i < 6; ++i) dishes.push_back(cook(stove));
  co_await gather(std::move(dishes));
  expect(Loop::current().now() == TimePoint(1h), "six dishes take an hour");
}

LoopOptions on_virtual_clock() {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  return options;
}

void in_a_thousand_orders() {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    LoopOptions options = on_virtual_clock();
    options.pick_ready = seeded_order(seed);
    run(six_dishes(), std::move(options));
  }
}

// The first of two cooks is cancelled after none, one, ... three turns.
Task<void> cancel_one(Schedules& schedules) {
  Lock stove;
  const TaskHandle<void> first = spawn(cook(stove));
  const TaskHandle<void> second = spawn(cook(stove));
  const std::size_t turns = schedules.pick(4);
  for (std::size_t i = 0; i < turns; ++i) co_await yield_now();
  first.cancel();
  co_await wait_done(first);
  co_await second;
  expect(!stove.locked(), "the stove is free again");
}

std::size_t in_every_order() {
  Schedules schedules;
  while (schedules.next()) {
    LoopOptions options = on_virtual_clock();
    options.pick_ready = schedules.order();
    run(cancel_one(schedules), std::move(options));
  }
  return schedules.count();
}

Task<void> answer(StreamReader reader, StreamWriter writer) {
  const std::string order(co_await reader.readline());
  writer.write("one " + order);
  co_await writer.drain();
}

Task<void> order_a_soda() {
  const Server server = co_await start_server(answer, "127.0.0.1", 0);
  auto [reader, writer] = co_await open_connection("127.0.0.1", server.addresses().front().port());
  writer.write("soda\n");
  const std::string served(co_await reader.readline());
  expect(served == "one soda\n", "the soda is served");
}

void on_chaos() {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    LoopOptions options = on_virtual_clock();
    options.make_backend = chaos({.seed = seed});
    run(order_a_soda(), std::move(options));
  }
}

extern long allocations_left;  // See testing_memory.cc.

// Runs without the n-th allocation. False if there are not so many.
bool without_allocation(long n) {
  const Ledger nothing{};
  Loop loop(on_virtual_clock());
  allocations_left = n;
  try {
    loop.run_until_complete(six_dishes());
  } catch (const std::bad_alloc&) {  // The only error there may be.
  }
  const bool failed = allocations_left < 0;
  allocations_left = -1;
  loop.close();
  expect(loop.ledger() == nothing, "no task, operation, frame or descriptor is left");
  return failed;
}

// Each time in a new thread, where no memory of coroutines lies ready.
void without_memory() {
  bool failed = true;
  for (long n = 0; failed; ++n) std::thread([&] { failed = without_allocation(n); }).join();
}

Task<void> cook_twice_at_once() {
  Lock stove("stove");
  const Lock::Guard left = co_await stove.acquire();
  const Lock::Guard right = co_await stove.acquire();
}

std::string what_never_ends() {
  try {
    run(cook_twice_at_once(), on_virtual_clock());
  } catch (const DeadlockError& error) {
    return error.what();
  }
  return "it has ended";
}

int main() {
  run(six_dishes(), on_virtual_clock());
  std::puts("an hour has passed");
  in_a_thousand_orders();
  std::printf("in every order of %zu: the stove is free again\n", in_every_order());
  on_chaos();
  std::puts("on chaos: the soda is served");
  without_memory();
  std::puts("without memory: nothing is left");
  std::fputs(what_never_ends().c_str(), stdout);
}
