// What blocks goes to a thread, and the loop goes on: three ways to say what is to be called.
#include "brigade/runtime/to_thread.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"

using namespace std::chrono_literals;

std::size_t slow_length(const std::string& text) {
  std::this_thread::sleep_for(50ms);  // Any blocking call.
  return text.size();
}

brigade::Task<void> tick(int& ticks) {
  while (true) {
    co_await brigade::sleep(1ms);
    ++ticks;
  }
}

brigade::Task<void> call_blocking_functions() {
  int ticks = 0;
  const brigade::TaskHandle<void> ticking = brigade::spawn(tick(ticks));

  // A function and its arguments, which are copied or moved.
  const std::size_t first = co_await brigade::to_thread(&slow_length, std::string("fries"));
  std::printf("fries: %zu\n", first);

  // A lambda in place, if what it captures needs no destructor.
  int n = 6;
  const int second = co_await brigade::to_thread([n] { return 7 * n; });
  std::printf("7 * 6: %d\n", second);

  // One that captures objects has a name and is moved in: GCC 12 would destroy a temporary twice.
  auto function = [text = std::string("soda")] { return slow_length(text); };
  const std::size_t third = co_await brigade::to_thread(std::move(function));
  std::printf("soda: %zu\n", third);

  std::puts(ticks > 10 ? "the loop went on" : "the loop stood still");
  ticking.cancel();
}

int main() { brigade::run(call_blocking_functions()); }
