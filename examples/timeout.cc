// A deadline around any task. On the virtual clock, so nobody waits for it.
#include "brigade/runtime/timeout.h"

#include <cstdio>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

brigade::Task<int> compute(std::chrono::seconds duration) {
  try {
    co_await brigade::sleep(duration);
  } catch (const brigade::Cancelled&) {
    std::puts("compute: cancelled, cleaning up");
    throw;
  }
  co_return 42;
}

brigade::Task<void> ask(std::chrono::seconds duration) {
  try {
    const int answer = co_await brigade::timeout(2s, compute(duration));
    std::printf("ask: %d\n", answer);
  } catch (const brigade::TimeoutError& error) {
    std::printf("ask: %s\n", error.what());
  }
}

brigade::Task<void> ask_twice() {
  co_await ask(1s);
  co_await ask(3s);
}

int main() { brigade::run(ask_twice(), {.clock = brigade::ClockKind::kVirtual}); }
