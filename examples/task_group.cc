// Tasks that belong together: if one fails the others are cancelled, and none is left behind.
#include "brigade/runtime/task_group.h"

#include <cstdio>
#include <stdexcept>
#include <string>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

brigade::Task<void> cook(std::string dish, std::chrono::seconds duration) {
  try {
    co_await brigade::sleep(duration);
  } catch (const brigade::Cancelled&) {
    std::printf("%s: thrown away\n", dish.c_str());
    throw;
  }
  if (dish == "souffle") throw std::runtime_error("the souffle has fallen");
  std::printf("%s: ready\n", dish.c_str());
}

brigade::Task<int> menu(std::string last, brigade::TaskGroup& kitchen) {
  kitchen.spawn(cook("soup", 1s));
  kitchen.spawn(cook("roast", 3s));
  kitchen.spawn(cook(last, 2s));
  co_return 3;
}

brigade::Task<void> dinner(std::string last) {
  try {
    const int dishes = co_await brigade::task_group(&menu, last);
    std::printf("dinner: %d dishes\n", dishes);
  } catch (const std::runtime_error& error) {
    std::printf("no dinner: %s\n", error.what());
  }
}

brigade::Task<void> two_evenings() {
  co_await dinner("pie");
  co_await dinner("souffle");
}

int main() { brigade::run(two_evenings(), {.clock = brigade::ClockKind::kVirtual}); }
