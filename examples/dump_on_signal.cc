// Shows what its tasks wait for, at a signal; this program sends it to itself.
#include "brigade/runtime/dump_on_signal.h"

#include <csignal>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/lock.h"

using namespace brigade;
using namespace std::chrono_literals;

Task<void> use(Lock& lock) {
  const Lock::Guard guard = co_await lock.acquire();
  co_await sleep(1h);
}

Task<void> show() {
  const DumpOnSignal dump(Loop::current(), SIGQUIT);
  Lock soda("soda");
  const TaskHandle<void> first = spawn(use(soda), "first");
  const TaskHandle<void> second = spawn(use(soda), "second");
  co_await sleep(1s);
  std::raise(SIGQUIT);
  co_await sleep(1s);
  for (const TaskRef& task : {TaskRef(second), TaskRef(first)}) task.cancel();
  co_await wait_done(first);
}

int main() {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  run(show(), std::move(options));
}
