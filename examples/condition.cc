// A waiter takes out the plates as soon as there are enough for a table. On the virtual clock.
#include "brigade/sync/condition.h"

#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

struct Pass {
  int plates = 0;
  brigade::Lock lock;
  brigade::Condition changed;
};

brigade::Task<void> cook(Pass& pass, int plates) {
  for (int i = 0; i < plates; ++i) {
    co_await brigade::sleep(1s);
    const brigade::Lock::Guard guard = co_await pass.lock.acquire();
    ++pass.plates;
    pass.changed.notify_all();
  }
}

brigade::Task<void> take_out(Pass& pass, int table, int plates) {
  brigade::Lock::Guard guard = co_await pass.lock.acquire();
  co_await pass.changed.wait(guard, [&pass, plates] { return pass.plates >= plates; });
  pass.plates -= plates;
  const auto now = brigade::Loop::current().now().time_since_epoch();
  std::printf("%lld s: %d plates for table %d\n", static_cast<long long>(now / 1s), plates, table);
}

brigade::Task<void> serve() {
  Pass pass;
  co_await brigade::gather(take_out(pass, 1, 3), take_out(pass, 2, 2), cook(pass, 5));
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
