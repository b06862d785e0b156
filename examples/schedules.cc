// Finds the order of two tasks in which an update is lost.
#include "brigade/testing/schedules.h"

#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace brigade;

// Reads, lets others run, writes: wrong without a lock.
Task<void> add(int& balance, int amount) {
  const int read = balance;
  if (amount > 10) co_await yield_now();  // "Ask the bank."
  balance = read + amount;
}

Task<int> deposit_twice() {
  int balance = 0;
  co_await gather(add(balance, 5), add(balance, 20));
  co_return balance;
}

int main() {
  Schedules schedules;
  while (schedules.next()) {
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    options.pick_ready = schedules.order();
    const int balance = run(deposit_twice(), std::move(options));
    std::printf("schedule %s: %d\n", schedules.to_string().c_str(), balance);
  }
}
