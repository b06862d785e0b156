// Three cooks of different speed send out each course together. On the virtual clock.
#include "brigade/sync/barrier.h"

#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

brigade::Task<void> cook(int seconds, brigade::Barrier& all_ready) {
  for (int course = 1; course <= 2; ++course) {
    co_await brigade::sleep(seconds * 1s);
    const std::size_t index = co_await all_ready.wait();
    if (index > 0) continue;  // One of them rings the bell.
    const auto now = brigade::Loop::current().now().time_since_epoch();
    std::printf("%lld s: course %d\n", static_cast<long long>(now / 1s), course);
  }
}

brigade::Task<void> serve() {
  brigade::Barrier all_ready(3);
  co_await brigade::gather(cook(1, all_ready), cook(2, all_ready), cook(3, all_ready));
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
