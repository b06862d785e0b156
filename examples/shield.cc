// What must not stop halfway goes on when the caller's patience ends.
#include "brigade/runtime/shield.h"

#include <cstdio>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"

using namespace std::chrono_literals;

brigade::Task<void> save() {
  co_await brigade::sleep(3s);
  std::puts("saved");
}

brigade::Task<void> leave() {
  try {
    co_await brigade::timeout(1s, brigade::shield(save()));
  } catch (const brigade::TimeoutError&) {
    std::puts("not waiting any longer");
  }
  co_await brigade::sleep(5s);
}

int main() { brigade::run(leave(), {.clock = brigade::ClockKind::kVirtual}); }
