// Two customers wait until the counter opens; a third one comes later. On the virtual clock.
#include "brigade/sync/event.h"

#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;

brigade::Task<void> customer(const char* name, int comes_at, brigade::Event& open) {
  co_await brigade::sleep(comes_at * 1s);
  co_await open.wait();
  const auto now = brigade::Loop::current().now().time_since_epoch();
  std::printf("%lld s: %s is served\n", static_cast<long long>(now / 1s), name);
}

brigade::Task<void> open_at_noon(brigade::Event& open) {
  co_await brigade::sleep(2s);
  std::printf("%s\n", open.to_string().c_str());
  open.set();
}

brigade::Task<void> serve() {
  brigade::Event open("open");
  co_await brigade::gather(customer("A", 0, open), customer("B", 1, open), customer("C", 3, open),
                           open_at_noon(open));
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
