#include "brigade/runtime/signal.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> note(Signals& signals, std::string& log) {
  const int number = co_await signals.wait();
  log += number == SIGUSR1 ? "USR1 " : number == SIGUSR2 ? "USR2 " : "other ";
}

TEST_CASE("Signals: wait() returns the number of the signal that comes") {
  run_async([]() -> Task<void> {
    Signals signals({SIGUSR1, SIGUSR2});
    std::string log;
    const TaskHandle<void> waiting = spawn(note(signals, log));
    co_await turns(3);
    CHECK_FALSE(waiting.done());

    ::kill(::getpid(), SIGUSR2);
    co_await waiting;

    CHECK(log == "USR2 ");
  });
}

TEST_CASE("Signals: what comes while nobody waits is kept, once for each number") {
  run_async([]() -> Task<void> {
    Signals signals({SIGUSR2, SIGUSR1});
    for (const int number : {SIGUSR2, SIGUSR1, SIGUSR2}) ::raise(number);
    std::string log;

    co_await note(signals, log);
    co_await note(signals, log);
    const TaskHandle<void> third = spawn(note(signals, log));
    co_await turns(3);

    CHECK(log == "USR1 USR2 ");  // The lowest number first.
    ::raise(SIGUSR1);
    co_await third;
    CHECK(log == "USR1 USR2 USR1 ");
  });
}

TEST_CASE("Signals: of two tasks that wait each gets one signal") {
  run_async([]() -> Task<void> {
    Signals signals({SIGUSR1});
    std::string log;
    const TaskHandle<void> first = spawn(note(signals, log));
    const TaskHandle<void> second = spawn(note(signals, log));
    co_await turns(3);

    ::raise(SIGUSR1);
    while (log.empty()) co_await yield_now();
    co_await turns(3);
    CHECK(log == "USR1 ");
    ::raise(SIGUSR1);
    co_await first;
    co_await second;

    CHECK(log == "USR1 USR1 ");
  });
}

TEST_CASE("Signals: a cancelled wait takes no signal") {
  run_async([]() -> Task<void> {
    Signals signals({SIGUSR1});
    std::string log;
    const TaskHandle<void> waiting = spawn(note(signals, log));
    co_await turns(3);

    waiting.cancel();
    co_await wait_done(waiting);
    ::raise(SIGUSR1);
    co_await note(signals, log);

    CHECK(waiting.status() == TaskStatus::kCancelled);
    CHECK(log == "USR1 ");
  });
}

TEST_CASE("Signals: one that another thread receives wakes the loop, and no thread blocks any") {
  run_async_real([]() -> Task<void> {
    Signals signals({SIGUSR1});
    std::string log;
    bool blocked = true;
    std::thread other([&blocked] {
      sigset_t mask;
      ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      blocked = sigismember(&mask, SIGUSR1) != 0;
      ::pthread_kill(::pthread_self(), SIGUSR1);
    });

    co_await note(signals, log);
    other.join();

    CHECK(log == "USR1 ");
    CHECK_FALSE(blocked);
  });
}

TEST_CASE("Signals: afterwards the signal has the action that it had before") {
  static int outer = 0;
  ::signal(SIGUSR1, [](int) { ++outer; });
  run_async([]() -> Task<void> {
    Signals all({SIGUSR1, SIGUSR2});
    {
      Signals inner({SIGUSR1});
      ::raise(SIGUSR1);
      const int number = co_await inner.wait();
      CHECK(number == SIGUSR1);
    }
    ::raise(SIGUSR1);
    const int number = co_await all.wait();
    CHECK(number == SIGUSR1);
  });

  CHECK(outer == 0);
  ::raise(SIGUSR1);
  CHECK(outer == 1);
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("Signals: the next one has its default action when they are gone") {
  const ChildEnd end = run_in_child([] {
    Loop loop;
    const auto take_one = []() -> Task<void> {
      Signals signals({SIGTERM});
      ::raise(SIGTERM);
      co_await signals.wait();
    };
    loop.run_until_complete(take_one());
    ::raise(SIGTERM);
  });

  CHECK(end.signal == SIGTERM);
}

TEST_CASE("Signals: what cannot be caught is an error, and what was caught before it is let go") {
  const ChildEnd end = run_in_child([] {
    for (const int bad : {SIGKILL, 0, -1, 1000}) {
      try {
        Signals signals({SIGUSR1, bad});
        ::_exit(1);
      } catch (const std::system_error& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
    }
    ::raise(SIGUSR1);
  });

  CHECK(end.signal == SIGUSR1);
  CHECK(end.errors ==
        "catch signal 9: Invalid argument\ncatch signal 0: Invalid argument\n"
        "catch signal -1: Invalid argument\ncatch signal 1000: Invalid argument\n");
}

TEST_CASE("Signals: a program that is executed has nothing blocked") {
  run_async([]() -> Task<void> {
    const Signals signals({SIGTERM});
    // Kills itself, if it can.
    const int status = ::system("kill -TERM $$");
    CHECK(WIFSIGNALED(status));
    co_return;
  });
}

TEST_CASE("Signals: a storm of signals interrupts nothing") {
  run_async_real([]() -> Task<void> {
    Signals signals({SIGUSR1});
    std::string log;
    for (int round = 0; round < 200; ++round) {
      ::kill(::getpid(), SIGUSR1);
      co_await note(signals, log);
      co_await sleep(10us);
    }

    CHECK(log.size() == 200 * 5);
  });
}

}  // namespace
}  // namespace brigade
