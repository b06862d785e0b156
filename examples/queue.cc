// Orders go to two cooks; at most one may lie on the counter. On the virtual clock.
#include "brigade/sync/queue.h"

#include <cstdio>
#include <optional>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

void say(const char* who, const char* what, int order) {
  const auto now = brigade::Loop::current().now().time_since_epoch();
  std::printf("%lld s: %s %s %d\n", static_cast<long long>(now / 1s), who, what, order);
}

brigade::Task<void> take_orders(brigade::Queue<int>& orders) {
  for (int order = 1; order <= 5; ++order) {
    co_await orders.put(order);
    say("counter", "took", order);
  }
  orders.close();
}

brigade::Task<void> cook(const char* name, brigade::Queue<int>& orders) {
  for (;;) {
    const std::optional<int> order = co_await orders.get();
    if (!order) break;
    co_await brigade::sleep(2s);
    say(name, "cooked", *order);
  }
}

brigade::Task<void> serve() {
  brigade::Queue<int> orders(1, "orders");
  co_await brigade::gather(cook("Anne", orders), cook("Bob", orders), take_orders(orders));
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
