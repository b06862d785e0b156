#include "brigade/tests/support/async.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/testing/chaos.h"
#include "brigade/testing/simulation.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {

bool is_simulated() noexcept {
  const char* const wanted = std::getenv("BRIGADE_TEST_BACKEND");
  return wanted != nullptr && std::string_view(wanted) == "simulated";
}

LoopOptions loop_options(LoopOptions options) {
  const char* const wanted = std::getenv("BRIGADE_TEST_BACKEND");
  if (wanted == nullptr || options.make_backend || options.backend != BackendKind::kAuto)
    return options;
  if (is_simulated()) {
    SimulationOptions simulated;
    simulated.seed = test_seed();
    simulated.short_sends = simulated.short_receives = 0;        // Small messages arrive whole.
    simulated.buffer = 200'000;                                  // As Linux has it by default.
    simulated.longest_latency = std::chrono::microseconds(200);  // settle() takes longer.
    options.make_backend = simulation(simulated);
    return options;
  }
  check(std::string_view(wanted) == "chaos", "BRIGADE_TEST_BACKEND is not chaos or simulated");
  ChaosOptions chaotic;
  chaotic.seed = test_seed();
  options.make_backend = chaos(chaotic);
  return options;
}

void close_and_check(Loop& loop) {
  loop.close();
  const Ledger left = loop.ledger();
  CHECK(left.tasks == 0);
  CHECK(left.operations == 0);
  CHECK(left.frames == 0);
  CHECK(left.descriptors == 0);
}

void run_async(AsyncBody body, LoopOptions options) {
  options.clock = ClockKind::kVirtual;
  run_async_real(body, std::move(options));
}

void run_async_real(AsyncBody body, LoopOptions options) {
  Loop loop(loop_options(std::move(options)));
  loop.run_until_complete(body(), "test");
  close_and_check(loop);
}

Task<void> turns(int count) {
  for (int i = 0; i < count; ++i) co_await yield_now();
}

Task<std::string> thrown_by(Task<void> task) {
  try {
    co_await std::move(task);
  } catch (const Cancelled&) {
    co_return "Cancelled";
  } catch (...) {
    co_return repr(std::current_exception());
  }
  co_return "nothing";
}

Pipe::Pipe() {
  int ends[2] = {-1, -1};
  check(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2() failed");
  reader = UniqueFd(ends[0]);
  writer = UniqueFd(ends[1]);
}

void Pipe::write_byte() const { check(::write(writer.get(), "x", 1) == 1, "write() failed"); }

void Pipe::read_byte() const {
  char byte = 0;
  check(::read(reader.get(), &byte, 1) == 1, "read() failed");
}

}  // namespace brigade
