// A test of a small server on simulated networks: slow, stingy ones, each different, and each the
// same in every run. No socket is opened, and no time is spent waiting.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/loop.h"
#include "brigade/testing/simulation.h"

namespace {

// What is tested: a server that answers each line by its length.
brigade::Task<void> measure(brigade::StreamReader reader, brigade::StreamWriter writer) {
  for (;;) {
    const std::string line(co_await reader.readline());
    if (line.empty()) co_return;
    writer.write(std::to_string(line.size() - 1) + "\n");
    co_await writer.drain();
  }
}

brigade::Task<void> ask_for_two_lengths() {
  const brigade::Server server = co_await brigade::start_server(measure, "127.0.0.1", 80);
  auto [reader, writer] = co_await brigade::open_connection("127.0.0.1", 80);
  writer.write("soda\nfrench fries\n");
  const std::string soda(co_await reader.readline());
  const std::string fries(co_await reader.readline());
  if (soda != "4\n" || fries != "12\n") throw std::runtime_error("wrong: " + soda + fries);
}

// Returns when the test had ended, by the loop's clock.
std::chrono::milliseconds run_on(const brigade::SimulationOptions& network) {
  brigade::LoopOptions options;
  options.clock = brigade::ClockKind::kVirtual;
  options.make_backend = brigade::simulation(network);
  brigade::Loop loop(options);
  loop.run_until_complete(ask_for_two_lengths());
  return std::chrono::duration_cast<std::chrono::milliseconds>(loop.now().time_since_epoch());
}

}  // namespace

int main() {
  brigade::SimulationOptions far_away;
  far_away.shortest_latency = far_away.longest_latency = std::chrono::milliseconds(100);
  far_away.short_sends = 0;
  std::printf("a server 100 ms away: answered after %d ms\n",
              static_cast<int>(run_on(far_away).count()));

  brigade::SimulationOptions any;
  for (any.seed = 0; any.seed < 1000; ++any.seed) run_on(any);
  std::printf("%u networks: every answer is right\n", any.seed);
}
