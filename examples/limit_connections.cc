// Five downloads, at most two at a time, in the order they asked. On the virtual clock.
#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/sync/semaphore.h"

using namespace std::chrono_literals;

void say(int page, const char* what) {
  const auto now = brigade::Loop::current().now().time_since_epoch();
  std::printf("%lld s: page %d %s\n", static_cast<long long>(now / 1s), page, what);
}

brigade::Task<void> download(int page, brigade::Semaphore& connections) {
  const brigade::Semaphore::Permit connection = co_await connections.acquire();
  say(page, "starts");
  co_await brigade::sleep(page * 1s);
  say(page, "is here");
}

brigade::Task<void> download_all() {
  brigade::Semaphore connections(2);
  std::vector<brigade::Task<void>> downloads;
  for (int page = 1; page <= 5; ++page) downloads.push_back(download(page, connections));
  co_await brigade::gather(std::move(downloads));
}

int main() { brigade::run(download_all(), {.clock = brigade::ClockKind::kVirtual}); }
