// The order that must be ready first is cooked first.
#include "brigade/sync/priority_queue.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "brigade/runtime/run.h"

using Order = std::pair<int, std::string>;  // The time it is due, and the dish.

brigade::Task<void> cook() {
  brigade::PriorityQueue<Order> orders;
  co_await orders.put(Order(30, "burger"));
  co_await orders.put(Order(10, "soda"));
  co_await orders.put(Order(20, "fries"));
  orders.close();
  for (;;) {
    const std::optional<Order> order = co_await orders.get();
    if (!order) break;
    std::printf("%d: %s\n", order->first, order->second.c_str());
  }
}

int main() { brigade::run(cook()); }
