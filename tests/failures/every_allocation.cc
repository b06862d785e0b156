#include "brigade/tests/failures/every_allocation.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "brigade/runtime/platform.h"
#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/forwarding_backend.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxAllocations = 1000;

const char* broken = nullptr;  // The first expectation that did not hold.

struct Outcome {
  std::size_t failures = 0;
  std::string error;  // of the scenario; "bad_alloc" for lack of memory
  std::string after;  // what the loop could not do any more
  Ledger left{};
};

using Attempt = std::function<void(FailNth::Plan, Outcome&)>;

Task<int> small_task() {
  co_await yield_now();
  co_await sleep(1us);
  co_return 42;
}

std::string error_of(const std::function<void()>& function) {
  try {
    function();
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  } catch (const Cancelled&) {
    return "Cancelled";
  } catch (...) {
    return repr(std::current_exception());
  }
  return "";
}

// Chaos needs memory of its own, and has it: what fails is what happens outside of its verbs.
class SparedChaos final : public ForwardingBackend<CustomBackend> {
 public:
  using ForwardingBackend::ForwardingBackend;
  void submit(Operation& operation, const Request& request) noexcept override {
    const NeverFail spared;
    ForwardingBackend::submit(operation, request);
  }
  void cancel(Operation& operation) noexcept override {
    const NeverFail spared;
    ForwardingBackend::cancel(operation);
  }
  void cancel_all() noexcept override {
    const NeverFail spared;
    ForwardingBackend::cancel_all();
  }
  void wait(std::optional<Nanoseconds> timeout) noexcept override {
    const NeverFail spared;
    ForwardingBackend::wait(timeout);
  }
  void poll() noexcept override {
    const NeverFail spared;
    ForwardingBackend::poll();
  }
};

LoopOptions spared(LoopOptions options) {
  options = loop_options(std::move(options));
  if (options.make_backend)
    options.make_backend = [chaotic = options.make_backend](auto&&... how) {
      return std::make_unique<SparedChaos>(chaotic(how...));
    };
  return options;
}

void attempt_in_loop(Scenario scenario, const LoopOptions& options, FailNth::Plan plan,
                     Outcome& outcome) {
  Loop loop(spared(options));
  if (options.clock == ClockKind::kReal) set_up_io(loop);
  outcome.error = error_of([&] { loop.run_until_complete(scenario(plan)); });
  outcome.failures = FailNth::failures();
  outcome.after = error_of([&] {
    expect(loop.run_until_complete(small_task()) == 42, "the loop runs another task");
    loop.run_until_idle();
  });
  loop.close();
  outcome.left = loop.ledger();
}

// Memory that a look-up thread still holds comes back a little later.
std::size_t allocations_kept(std::size_t before) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (outstanding_allocations() != before && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  return outstanding_allocations() - before;
}

// False when nothing was left to fail.
bool survives(const Attempt& attempt, FailNth::Plan plan,
              const std::vector<std::string>& documented) {
  broken = nullptr;
  Outcome outcome;
  outcome.error.reserve(100);  // From now on each text is one allocation, whatever it says.
  outcome.after.reserve(100);
  const std::size_t before = outstanding_allocations();
  std::thread([&] { attempt(plan, outcome); }).join();
  const std::size_t kept = allocations_kept(before);
  const bool is_documented = std::any_of(
      documented.begin(), documented.end(),
      [&](const std::string& part) { return outcome.error.find(part) != std::string::npos; });
  CAPTURE(plan.nth);
  CAPTURE(plan.onwards);
  CAPTURE(outcome.error);
  CHECK((outcome.error.empty() ||
         (outcome.failures > 0 && (outcome.error == "bad_alloc" || is_documented))));
  CHECK(outcome.after == "");
  CHECK(outcome.left == Ledger{});
  REQUIRE(kept == 0);  // Each time it is not costs seconds.
  CHECK(std::string(broken == nullptr ? "" : broken) == "");
  return outcome.failures > 0;
}

void sweep(const Attempt& attempt, const std::vector<std::string>& documented) {
  for (const bool onwards : {false, true}) {
    std::size_t nth = 1;
    while (nth < kMaxAllocations && survives(attempt, {nth, onwards}, documented)) ++nth;
    if (kSanitized) CHECK(nth > 1);  // Else nothing was tried; most come from chunks otherwise.
    CHECK(nth < kMaxAllocations);
  }
}

}  // namespace

void set_up_io(Loop& loop) {
  for (;;) {
    try {
      loop.capabilities();
      return;
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::not_enough_memory) throw;
      std::this_thread::sleep_for(10ms);
    }
  }
}

void fail_every_allocation(Scenario scenario, LoopOptions options,
                           const std::vector<std::string>& documented) {
  sweep([&](FailNth::Plan plan,
            Outcome& outcome) { attempt_in_loop(scenario, options, plan, outcome); },
        documented);
}

void fail_every_allocation(void (*program)(FailNth::Plan plan)) {
  sweep(
      [&](FailNth::Plan plan, Outcome& outcome) {
        outcome.error = error_of([&] { program(plan); });
        outcome.failures = FailNth::failures();
      },
      {});
}

void expect(bool ok, const char* what) noexcept {
  if (!ok && broken == nullptr) broken = what;
}

}  // namespace brigade
