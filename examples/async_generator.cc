// A coroutine that gives out one item after the other, and awaits in between.
#include "brigade/runtime/async_generator.h"

#include <cstdio>
#include <optional>
#include <string>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

brigade::AsyncGenerator<std::string> courses() {
  co_yield "soup";
  co_await brigade::sleep(2s);
  co_yield "roast";
  co_await brigade::sleep(3s);
  co_yield "cake";
}

brigade::Task<void> dine() {
  brigade::AsyncGenerator<std::string> menu = courses();
  while (true) {
    const std::optional<std::string> course = co_await menu.next();
    if (!course) break;
    std::printf("eating %s\n", course->c_str());
  }
  std::puts("full");
}

int main() { brigade::run(dine(), {.clock = brigade::ClockKind::kVirtual}); }
