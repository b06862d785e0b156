// Results in the order in which they come, as long as one cares to wait.
#include "brigade/runtime/as_completed.h"

#include <cstdio>
#include <string>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"

using namespace std::chrono_literals;

brigade::Task<std::string> cook(std::string dish, std::chrono::seconds duration) {
  co_await brigade::sleep(duration);
  co_return dish;
}

brigade::Task<void> serve() {
  std::vector<brigade::TaskHandle<std::string>> orders;
  orders.push_back(brigade::spawn(cook("roast", 30s)));
  orders.push_back(brigade::spawn(cook("fries", 2s)));
  orders.push_back(brigade::spawn(cook("soda", 1s)));
  auto all = brigade::as_completed(std::move(orders), 10s);
  try {
    while (!all.empty()) {
      const brigade::TaskHandle<std::string> order = co_await all.next();
      std::printf("served: %s\n", order.result().c_str());
    }
  } catch (const brigade::TimeoutError&) {
    std::puts("the customers have left");
  }
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
