// Three customers at one soda machine, served one after the other. On the virtual clock.
#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/sync/lock.h"

using namespace std::chrono_literals;

brigade::Task<void> fill(const char* customer, brigade::Lock& machine) {
  const brigade::Lock::Guard guard = co_await machine.acquire();
  co_await brigade::sleep(2s);
  const auto now = brigade::Loop::current().now().time_since_epoch();
  std::printf("%lld s: %s has a soda\n", static_cast<long long>(now / 1s), customer);
}

brigade::Task<void> serve() {
  brigade::Lock machine;
  co_await brigade::gather(fill("A", machine), fill("B", machine), fill("C", machine));
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
