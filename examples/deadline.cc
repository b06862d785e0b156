// A deadline that moves on as long as something happens.
#include <cstdio>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"

using namespace std::chrono_literals;

brigade::Task<void> listen(brigade::Deadline& deadline) {
  for (auto pause = 1s;; pause *= 2) {
    co_await brigade::sleep(pause);
    std::printf("heard something after %d s\n", static_cast<int>(pause.count()));
    deadline.reschedule(brigade::Loop::current().now() + 5s);
  }
}

brigade::Task<void> until_silence() {
  brigade::Deadline deadline(5s);
  try {
    co_await brigade::timeout(deadline, listen(deadline));
  } catch (const brigade::TimeoutError&) {
    std::puts("5 s of silence");
  }
}

int main() { brigade::run(until_silence(), {.clock = brigade::ClockKind::kVirtual}); }
