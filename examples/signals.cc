// A service that reads its settings again on SIGHUP and ends on SIGTERM, with both sent to itself.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "brigade/runtime/run.h"
#include "brigade/runtime/signal.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"

brigade::Task<void> reload_on_hangup() {
  brigade::Signals signals({SIGHUP});
  while (true) {
    co_await signals.wait();
    std::puts("settings read");
  }
}

brigade::Task<void> send_signals() {
  for (const int number : {SIGHUP, SIGHUP, SIGTERM}) {
    co_await brigade::sleep(std::chrono::milliseconds(10));
    kill(getpid(), number);
  }
}

brigade::Task<void> serve() {
  brigade::Signals stop({SIGTERM, SIGQUIT});
  const brigade::TaskHandle<void> reloading = brigade::spawn(reload_on_hangup());
  const brigade::TaskHandle<void> sending = brigade::spawn(send_signals());
  const int number = co_await stop.wait();
  std::printf("%s\n", number == SIGTERM ? "terminated" : "quit");
}

int main() { brigade::run(serve()); }
