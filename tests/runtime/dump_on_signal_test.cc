#include "brigade/runtime/dump_on_signal.h"

#include <csignal>
#include <system_error>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

LoopOptions virtual_clock() {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  return options;
}

std::size_t count(const std::string& text, const std::string& words) {
  std::size_t found = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++found;
  return found;
}

Task<void> raise_every_second(int times) {
  const DumpOnSignal dump(Loop::current(), SIGQUIT);
  for (int i = 0; i < times; ++i) {
    co_await sleep(1s);
    std::raise(SIGQUIT);
    std::raise(SIGQUIT);  // One with the other.
  }
  co_await sleep(1s);
}

TEST_CASE("DumpOnSignal: shows what the tasks wait for, each time the signal comes") {
  const ChildEnd end = run_in_child([] { run(raise_every_second(3), virtual_clock()); });

  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(count(end.errors, "brigade: the tasks:\n'main' waits for a time, 0 s, spawned at ") == 3);
}

TEST_CASE("DumpOnSignal: a signal that comes at the end is not answered any more") {
  const ChildEnd end = run_in_child([] {
    const auto end_at_once = []() -> Task<void> {
      {
        const DumpOnSignal dump(Loop::current(), SIGQUIT);
        std::raise(SIGQUIT);
      }
      co_await sleep(1s);
    };
    run(end_at_once(), virtual_clock());
  });

  CHECK(end.exit_code == 0);
  CHECK(end.errors == "");
}

TEST_CASE("DumpOnSignal: afterwards the signal has its action again") {
  const ChildEnd end = run_in_child([] {
    run(raise_every_second(1), virtual_clock());
    std::raise(SIGQUIT);
  });

  CHECK(end.signal == SIGQUIT);
}

TEST_CASE("DumpOnSignal: wakes a loop that waits for the kernel") {
  const ChildEnd end = run_in_child([] {
    const auto wait = []() -> Task<void> {
      const DumpOnSignal dump(Loop::current(), SIGALRM);
      ::alarm(1);
      co_await sleep(1500ms);
    };
    run(wait());
  });

  CHECK(end.exit_code == 0);
  CHECK(count(end.errors, "'main' waits for a time, ") == 1);
}

TEST_CASE("DumpOnSignal: a signal that cannot be caught is an error") {
  Loop loop;
  CHECK_THROWS_AS(DumpOnSignal(loop, SIGKILL), std::system_error);
}

}  // namespace
}  // namespace brigade
