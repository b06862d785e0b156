#include "brigade/runtime/run.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

void say(const char* what) { std::fprintf(stderr, "%s\n", what); }

bool sigint_is_default() {
  struct sigaction now{};
  ::sigaction(SIGINT, nullptr, &now);
  return now.sa_handler == SIG_DFL;
}

// As a terminal does, when the loop may be asleep.
class CtrlC {
 public:
  CtrlC() {
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);  // The other one does not receive it.
    thread_ = std::thread([] { ::kill(::getpid(), SIGINT); });
    ::pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
  }
  ~CtrlC() { thread_.join(); }
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;

 private:
  std::thread thread_;
};

Task<void> background() {
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    say("background ends");
    throw;
  }
}

Task<void> clean_up_when_cancelled() {
  detach(spawn(background()));
  co_await yield_now();
  const CtrlC ctrl_c;
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  co_await yield_now();  // The cancel was delivered: clean-up may wait.
  say("main cleans up");
  if (cancelled) throw Cancelled();
}

TEST_CASE("run: returns the value of the task, or throws its error") {
  const auto answer = []() -> Task<int> { co_return 42; };
  const auto fail = []() -> Task<void> {
    throw std::runtime_error("broken");
    co_return;
  };

  CHECK(run(answer()) == 42);
  CHECK_THROWS_WITH_AS(run(fail()), "broken", std::runtime_error);
}

TEST_CASE(
    "run: Ctrl-C cancels the task; when all have cleaned up, SIGINT ends the process [T-29]") {
  const ChildEnd end = run_in_child([] {
    try {
      run(clean_up_when_cancelled());
    } catch (...) {
      say("hidden");
    }
    say("went on");
  });

  CHECK(end.signal == SIGINT);
  CHECK(end.errors == "main cleans up\nbackground ends\n");
}

TEST_CASE("run: what is buffered for stdout is written before Ctrl-C ends the process") {
  const ChildEnd end = run_in_child([] {
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    std::setvbuf(stdout, nullptr, _IOFBF, 4096);
    std::printf("the result so far");
    run(clean_up_when_cancelled());
  });

  CHECK(end.signal == SIGINT);
  CHECK(end.errors == "main cleans up\nbackground ends\nthe result so far");
}

TEST_CASE("run: a task that returns in spite of Ctrl-C returns its value") {
  const ChildEnd end = run_in_child([] {
    const auto insist = []() -> Task<int> {
      try {
        co_await clean_up_when_cancelled();
      } catch (const Cancelled&) {
      }
      co_return 17;
    };
    ::_exit(run(insist()));
  });

  CHECK(end.signal == 0);
  CHECK(end.exit_code == 17);
}

TEST_CASE("run: an error of the clean-up goes to the caller") {
  const ChildEnd end = run_in_child([] {
    const auto fail = []() -> Task<void> {
      try {
        co_await clean_up_when_cancelled();
      } catch (const Cancelled&) {
        throw std::runtime_error("disk full");
      }
    };
    try {
      run(fail());
    } catch (const std::exception& error) {
      say(error.what());
    }
  });

  CHECK(end.signal == 0);
  CHECK(end.errors == "main cleans up\nbackground ends\ndisk full\n");
}

TEST_CASE("run: the second Ctrl-C ends the process at once, even if a task hogs the loop [T-29]") {
  const ChildEnd end = run_in_child([] {
    const auto hog = []() -> Task<void> {
      ::raise(SIGINT);
      say("the first one came");
      ::raise(SIGINT);
      say("went on");
      co_return;
    };
    run(hog());
  });

  CHECK(end.signal == SIGINT);
  CHECK(end.errors == "the first one came\n");
}

TEST_CASE("run: Ctrl-C works on the virtual clock, while a task computes between its awaits") {
  const ChildEnd end = run_in_child([] {
    const auto tick = []() -> Task<void> {
      ::raise(SIGINT);
      while (true) co_await sleep(1s);
    };
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    run(tick(), std::move(options));
  });

  CHECK(end.signal == SIGINT);
}

TEST_CASE("run: a cancel that is not Ctrl-C's is thrown") {
  const ChildEnd end = run_in_child([] {
    const auto give_up = []() -> Task<void> {
      current_task().cancel();
      co_await yield_now();
    };
    try {
      run(give_up());
    } catch (const Cancelled&) {
      say("Cancelled");
    }
  });

  CHECK(end.signal == 0);
  CHECK(end.errors == "Cancelled\n");
}

TEST_CASE("run: leaves SIGINT alone if it has another action, and on other threads") {
  const ChildEnd ignored = run_in_child([] {
    ::signal(SIGINT, SIG_IGN);
    const auto interrupt = []() -> Task<void> {
      ::raise(SIGINT);
      ::raise(SIGINT);
      co_await yield_now();
      say("went on");
    };
    run(interrupt());
  });
  const ChildEnd elsewhere = run_in_child([] {
    const auto look = []() -> Task<void> {
      if (sigint_is_default()) say("default");
      co_return;
    };
    std::thread([&] { run(look()); }).join();
  });

  CHECK(ignored.signal == 0);
  CHECK(ignored.errors == "went on\n");
  CHECK(elsewhere.errors == "default\n");
}

TEST_CASE("run: afterwards SIGINT has its default action, and can be caught by the next run()") {
  const ChildEnd end = run_in_child([] {
    const auto look = []() -> Task<void> {
      if (!sigint_is_default()) say("caught");
      co_return;
    };
    run(look());
    if (sigint_is_default()) say("default");
    run(look());
    run(clean_up_when_cancelled());
  });

  CHECK(end.signal == SIGINT);
  CHECK(end.errors == "caught\ndefault\ncaught\nmain cleans up\nbackground ends\n");
}

}  // namespace
}  // namespace brigade
