#include "brigade/runtime/loop.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "brigade/runtime/poll.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

LoopOptions virtual_clock() {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  return loop_options(options);
}

Task<void> note(std::string& log, char letter) {
  log += letter;
  co_return;
}

Task<void> note_twice(std::string& log, char letter) {
  log += letter;
  co_await yield_now();
  log += letter;
}

Task<void> sleep_then_note(std::string& log, char letter, Nanoseconds duration) {
  co_await sleep(duration);
  log += letter;
}

Task<void> read_then_sleep(int fd, Tracked) {
  co_await wait_readable(fd);
  co_await sleep(1h);
}

Task<void> sleep_long(Tracked) { co_await sleep(1h); }

Task<void> swallow_every_cancel() {
  for (;;) {
    try {
      co_await sleep(1h);
    } catch (const Cancelled&) {
    }
  }
}

Task<void> need_cancels(int count, Tracked) {
  while (count > 0) {
    try {
      co_await sleep(1h);
    } catch (const Cancelled&) {
      --count;
    }
  }
}

// An awaiter of a user's own, that nobody wakes.
class Forever : public Waiter {
 public:
  Forever() noexcept : Waiter(kKind) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept { return park(coroutine); }
  void await_resume() { throw_if_cancelled(); }

 private:
  static void cancel(Waiter& waiter) noexcept { unlink_and_wake(waiter); }
  static constexpr Kind kKind{"something that never comes", &cancel};
};

Task<void> wait_for_ever() { co_await Forever(); }

TEST_CASE("Loop: ready tasks run in FIFO order, children in the order of their spawns [T-22]") {
  run_async([]() -> Task<void> {
    std::string log;
    const auto parent = [](std::string& out) -> Task<void> {
      out += 'p';
      detach(spawn(note_twice(out, 'x')));
      detach(spawn(note_twice(out, 'y')));
      co_await yield_now();
      out += 'p';
    };

    detach(spawn(note_twice(log, 'a')));
    detach(spawn(parent(log)));
    detach(spawn(note_twice(log, 'b')));
    co_await turns(5);

    CHECK(log == "apbaxypbxy");
  });
}

TEST_CASE("Loop: a spawned task does not start inside spawn() [T-22]") {
  run_async([]() -> Task<void> {
    std::string log;

    detach(spawn(note(log, 'c')));
    log += 'p';
    co_await yield_now();

    CHECK(log == "pc");
  });
}

TEST_CASE("Loop: run_until_complete leaves the others where they are, for the next run") {
  Loop loop(virtual_clock());
  std::string log;
  detach(loop.spawn(sleep_then_note(log, 'b', 2s)));

  loop.run_until_complete(sleep_then_note(log, 'a', 1s));
  CHECK(log == "a");
  CHECK(loop.now() == TimePoint(1s));
  loop.run_until_complete(sleep_then_note(log, 'c', 5s));

  CHECK(log == "abc");
  CHECK(loop.now() == TimePoint(6s));
  close_and_check(loop);
}

TEST_CASE("Loop: run_until_idle runs until every task has ended") {
  Loop loop(virtual_clock());
  std::string log;
  detach(loop.spawn(sleep_then_note(log, 'b', 2s)));
  detach(loop.spawn(sleep_then_note(log, 'a', 1s)));

  loop.run_until_idle();
  CHECK(log == "ab");
  loop.run_until_idle();  // Nothing to do.

  CHECK(loop.ledger().tasks == 0);
  close_and_check(loop);
}

TEST_CASE("Loop: run_once gives each task that is ready one step") {
  Loop loop(virtual_clock());
  std::string log;
  detach(loop.spawn(note_twice(log, 'a')));
  detach(loop.spawn(note_twice(log, 'b')));

  loop.run_once();
  CHECK(log == "ab");
  loop.run_once();
  CHECK(log == "abab");
  loop.run_once();

  CHECK(log == "abab");
  close_and_check(loop);
}

TEST_CASE("Loop: stop ends run_forever after the current step") {
  Loop loop(virtual_clock());
  std::string log;
  const auto stopper = [](Loop& own, std::string& out) -> Task<void> {
    out += 's';
    own.stop();
    out += 't';
    co_return;
  };
  detach(loop.spawn(stopper(loop, log)));
  detach(loop.spawn(note(log, 'n')));

  loop.run_forever();
  CHECK(log == "st");
  loop.run_until_idle();

  CHECK(log == "stn");
  close_and_check(loop);
}

TEST_CASE("Loop: stop before the awaited task has ended is an error that names it") {
  Loop loop(virtual_clock());
  const auto stopper = [](Loop& own) -> Task<void> {
    own.stop();
    co_await sleep(1s);
  };

  CHECK_THROWS_WITH_AS(loop.run_until_complete(stopper(loop), "quitter"),
                       "stop() before 'quitter' had ended", std::logic_error);
  close_and_check(loop);
}

TEST_CASE("Loop: run_until_complete of a spawned task runs until that has ended, if it has not") {
  Loop loop(virtual_clock());
  std::string log;
  const TaskHandle<void> first = loop.spawn(sleep_then_note(log, 'a', 1s));
  const TaskHandle<void> second = loop.spawn(sleep_then_note(log, 'b', 2s));

  loop.run_until_complete(second);
  CHECK(log == "ab");
  loop.run_until_complete(first);

  CHECK(loop.now() == TimePoint(2s));
}

TEST_CASE("Loop: run_until_complete throws what the task threw") {
  Loop loop(virtual_clock());
  const auto fail = []() -> Task<int> {
    co_await yield_now();
    throw std::runtime_error("boom");
  };

  CHECK_THROWS_WITH_AS(loop.run_until_complete(fail()), "boom", std::runtime_error);
  close_and_check(loop);
}

TEST_CASE("Loop: a deadlock names the tasks and what they wait for") {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    Loop loop(loop_options(std::move(options)));
    const TaskHandle<void> never = loop.spawn(wait_for_ever(), "never");
    const auto join = [](TaskRef task) -> Task<void> { co_await wait_done(task); };

    std::string told;
    try {
      loop.run_until_complete(join(never), "joiner");
    } catch (const DeadlockError& error) {
      told = error.what();
    }

    CHECK(told.find("nothing can wake any task:\n"
                    "'joiner' waits for the end of 'never', ") == 0);
    CHECK(told.find("\n  'never' waits for something that never comes, ") != std::string::npos);
  }
}

TEST_CASE("Loop: after a deadlock the loop can still be used and closed") {
  Loop loop(virtual_clock());
  Counts counts;
  const auto stuck = [](Tracked) -> Task<void> { co_await Forever(); };
  detach(loop.spawn(stuck(Tracked(counts))));
  CHECK_THROWS_AS(loop.run_until_idle(), DeadlockError);

  std::string log;
  loop.run_until_complete(note(log, 'a'));
  loop.close();

  CHECK(log == "a");
  CHECK(counts.alive() == 0);
  close_and_check(loop);
}

TEST_CASE(
    "Loop: close cancels everything that waits, on kernel and timers, and leaves nothing [T-08]") {
  Counts counts;
  const Pipe pipe;
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    Loop loop(loop_options(std::move(options)));
    for (int i = 0; i < 1000; ++i) {
      detach(loop.spawn(read_then_sleep(pipe.reader.get(), Tracked(counts))));
      detach(loop.spawn(sleep_long(Tracked(counts))));
    }
    loop.run_until_complete(turns(3));
    CHECK(loop.ledger().tasks == 2000);
    CHECK(loop.ledger().operations >= 1000);

    loop.close();

    CHECK(counts.alive() == 0);
    const Ledger left = loop.ledger();
    CHECK(left == Ledger{.tasks = 0, .operations = 0, .frames = 0, .descriptors = 2});
  }
}

TEST_CASE("Loop: operations() names what is in flight, and nothing that has ended") {
  const Pipe pipe;
  Loop loop(loop_options());
  const auto waits_for_pipe = [&] {
    const std::vector<Request> held = loop.operations();
    CHECK(held.size() == loop.ledger().operations);
    return std::count_if(held.begin(), held.end(), [&](const Request& request) {
      return request.kind == Request::Kind::kPoll && request.fd == pipe.reader.get();
    });
  };
  const auto read = [](int fd) -> Task<void> { co_await wait_readable(fd); };
  CHECK(waits_for_pipe() == 0);
  std::vector<TaskHandle<void>> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(loop.spawn(read(pipe.reader.get())));
  loop.run_until_complete(turns(3));

  CHECK(waits_for_pipe() == 3);
  readers[1].cancel();
  CHECK(waits_for_pipe() == 3);  // A cancel merely asks.
  const auto join = [](TaskRef task) -> Task<void> { co_await wait_done(task); };
  loop.run_until_complete(join(readers[1]));
  CHECK(waits_for_pipe() == 2);
  pipe.write_byte();
  loop.run_until_idle();
  CHECK(waits_for_pipe() == 0);
}

TEST_CASE("Loop: a ring that no kernel has is refused at once") {
  for (const unsigned entries : {0u, LoopOptions::kMaxRingEntries + 1}) {
    LoopOptions options;
    options.ring_entries = entries;
    const std::string why =
        "ring_entries is " + std::to_string(entries) + ": 1 to 32768 are accepted";
    CHECK_THROWS_WITH_AS(Loop(std::move(options)), why.c_str(), std::invalid_argument);
  }
  LoopOptions smallest;
  smallest.backend = BackendKind::kIoUring;
  smallest.ring_entries = 1;
  CHECK(Loop(std::move(smallest)).capabilities().submission_entries == 1);
}

TEST_CASE("Loop: the destructor closes it, also when it never ran [T-08]") {
  Counts counts;

  {
    Loop loop(loop_options());
    detach(loop.spawn(sleep_long(Tracked(counts))));
  }

  CHECK(counts.constructed > 0);
  CHECK(counts.alive() == 0);
}

TEST_CASE(
    "Loop: close waits for clean-up code, and asks again where a cancel was swallowed [T-05]") {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    Loop loop(loop_options(std::move(options)));
    Counts counts;
    std::string log;
    const auto clean_up = [](std::string& out, Tracked) -> Task<void> {
      bool cancelled = false;
      try {
        co_await sleep(1h);
      } catch (const Cancelled&) {
        cancelled = true;
      }
      if (cancelled) co_await sleep(1ms);
      out += "cleaned up";
    };
    detach(loop.spawn(clean_up(log, Tracked(counts))));
    detach(loop.spawn(need_cancels(3, Tracked(counts))));
    loop.run_until_complete(turns(2));

    loop.close();

    CHECK(log == "cleaned up");
    CHECK(counts.alive() == 0);
    close_and_check(loop);
  }
}

TEST_CASE("Loop: close ends as many tasks as there are, however long it takes [T-05]") {
  constexpr int kTasks = 3000;
  Counts counts;
  Loop loop(virtual_clock());
  const auto clean_up_slowly = [](Tracked) -> Task<void> {
    try {
      co_await sleep(1h);
    } catch (const Cancelled&) {
      std::this_thread::sleep_for(400us);  // Together, more than close() gives to its rounds.
    }
  };
  for (int i = 0; i < kTasks; ++i) detach(loop.spawn(clean_up_slowly(Tracked(counts))));
  loop.run_once();

  loop.close();

  CHECK(counts.alive() == 0);
  close_and_check(loop);
}

TEST_CASE("Loop: close names a task that swallows every cancel, and gives it up [T-05]") {
  const ChildEnd end = run_in_child([] {
    Loop loop(virtual_clock());
    detach(loop.spawn(swallow_every_cancel(), "zombie"));
    loop.run_until_complete(turns(2));
    loop.close();
  });

  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(end.errors.find("'zombie'") != std::string::npos);
}

TEST_CASE("Loop: close gives up a task that spins on its cancel without ever parking [T-05]") {
  const ChildEnd end = run_in_child([] {
    Loop loop(virtual_clock());
    const auto spin = []() -> Task<void> {
      for (;;) {
        try {
          co_await yield_now();
        } catch (const Cancelled&) {
        }
      }
    };
    detach(loop.spawn(spin(), "spinner"));
    loop.run_until_complete(turns(2));
    loop.close();
  });

  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(end.errors.find("'spinner'") != std::string::npos);
}

TEST_CASE("Loop: close may be called twice") {
  Loop loop(virtual_clock());

  loop.close();

  close_and_check(loop);
}

TEST_CASE("Loop: closing() tells clean-up code that there is no later") {
  Loop loop(virtual_clock());
  bool at_start = true;
  bool in_clean_up = false;
  const auto work = [](Loop& own, bool& before, bool& during) -> Task<void> {
    before = own.closing();
    try {
      co_await sleep(1h);
    } catch (const Cancelled&) {
      during = own.closing();
      throw;
    }
  };
  detach(loop.spawn(work(loop, at_start, in_clean_up)));
  loop.run_until_complete(turns(2));

  loop.close();

  CHECK_FALSE(at_start);
  CHECK(in_clean_up);
}

TEST_CASE("Loop: a handle may be dropped after the loop was closed") {
  Loop loop(virtual_clock());
  Counts counts;
  const TaskHandle<void> handle = loop.spawn(sleep_long(Tracked(counts)));
  loop.run_until_complete(turns(2));

  loop.close();

  CHECK(handle.status() == TaskStatus::kCancelled);
  CHECK(loop.ledger().frames == 1);
}

TEST_CASE("Loop: spawn on a closed loop is a broken check [T-28]") {
  check_dies(
      [] {
        Loop loop(loop_options());
        loop.close();
        detach(loop.spawn(turns(1)));
      },
      "spawn() on a closed loop");
}

TEST_CASE("Loop: a closed loop cannot run [T-28]") {
  check_dies(
      [] {
        Loop loop(loop_options());
        loop.close();
        loop.run_forever();
      },
      "a closed loop cannot run");
  check_dies(
      [] {
        Loop loop(loop_options());
        loop.close();
        loop.run_once();
      },
      "a closed loop cannot run");
}

TEST_CASE("Loop: used on another thread than its own it is a broken check [T-23]") {
  const std::string why = "a loop is used on another thread than its own";

  check_dies(
      [] {
        Loop loop(loop_options());
        loop.run_until_complete(turns(1));
        std::thread([&loop] { detach(loop.spawn(turns(1))); }).join();
      },
      why);
  check_dies(
      [] {
        Loop loop(loop_options());
        const TaskHandle<void> task = loop.spawn(turns(1));
        loop.run_once();
        std::thread([&task] { task.cancel(); }).join();
      },
      why);
  check_dies(
      [] {
        Loop loop(loop_options());
        loop.run_until_complete(turns(1));
        std::thread([&loop] { loop.run_once(); }).join();
      },
      why);
}

TEST_CASE("Loop: must be closed on the thread whose operations the kernel holds [T-25]") {
  check_dies(
      [] {
        const Pipe pipe;
        const auto read = [](int fd) -> Task<void> { co_await wait_readable(fd); };
        Loop loop;
        std::thread([&] {
          detach(loop.spawn(read(pipe.reader.get())));
          loop.run_once();
        }).join();
        loop.close();
      },
      "a loop is used on another thread than its own");
}

TEST_CASE("Loop: may be made on one thread and live on another [T-23]") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(loop_options(std::move(options)));
  bool ran = false;

  std::thread([&loop, &ran] {
    loop.run_until_complete(turns(3));
    loop.close();
    ran = true;
  }).join();

  CHECK(ran);
}

TEST_CASE("Loop: a forked child that runs it is stopped, and the parent goes on [T-26]") {
  LoopOptions options;
  options.backend = BackendKind::kIoUring;
  Loop loop(loop_options(std::move(options)));
  // So long that it is not over before the loop comes to wait for it, by its ring.
  const auto nap = []() -> Task<void> { co_await sleep(100ms); };
  loop.run_until_complete(nap());

  static Loop* inherited;
  inherited = &loop;
  check_dies([] { inherited->run_until_complete(turns(1000)); },
             "io_uring_enter failed (used after fork");

  loop.run_until_complete(nap());
}

TEST_CASE("Loop: a run inside a run is a broken check [T-28]") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          run(turns(1));
          co_return;
        });
      },
      "a loop already runs on this thread");
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Loop::current().run_once();
          co_return;
        });
      },
      "a loop already runs on this thread");
}

TEST_CASE("Loop: without a loop that runs, current() is a broken check [T-28]") {
  check_dies([] { detach(spawn(turns(1))); }, "no loop runs on this thread");
}

TEST_CASE("Loop: two loops of one thread take turns [T-28]") {
  Loop first(virtual_clock());
  Loop second(virtual_clock());
  std::string log;

  first.run_until_complete(sleep_then_note(log, 'a', 3s));
  second.run_until_complete(sleep_then_note(log, 'b', 1s));
  first.run_until_complete(sleep_then_note(log, 'c', 3s));

  CHECK(log == "abc");
  CHECK(first.now() == TimePoint(6s));
  CHECK(second.now() == TimePoint(1s));
}

TEST_CASE("Loop: spawn of a task that was moved from is a broken check") {
  check_dies(
      [] {
        run_async([]() -> Task<void> {
          Task<void> task = turns(1);
          const Task<void> owner = std::move(task);
          detach(spawn(std::move(task)));
          co_return;
        });
      },
      "spawn() of a Task that was moved from");
}

TEST_CASE("Loop: on_task_end is told once per task, before anybody who waits runs") {
  std::string log;
  LoopOptions options = virtual_clock();
  options.on_task_end = [&](const TaskRef& task) { log += task.to_string() + " "; };
  Loop loop(loop_options(std::move(options)));
  const auto work = [](std::string& out) -> Task<void> {
    const TaskHandle<void> child = spawn(note(out, '!'), "child");
    const TaskHandle<void> never = spawn(note(out, '?'), "never");
    never.cancel();
    co_await wait_done(child);
    out += "joined ";
    co_await wait_done(never);
  };

  loop.run_until_complete(work(log), "parent");

  CHECK(log ==
        "!<Task 'child' [FINISHED] (None)> <Task 'never' [CANCELLED]> joined "
        "<Task 'parent' [FINISHED] (None)> ");
  close_and_check(loop);
}

TEST_CASE("Loop: a hook at the end of the turn runs behind the ready tasks, once") {
  struct Hook : TurnEnd {
    explicit Hook(std::string& out) noexcept : TurnEnd(&run), log(out) {}
    static void run(TurnEnd& self) noexcept { static_cast<Hook&>(self).log += 'h'; }
    std::string& log;
  };
  Loop loop(virtual_clock());
  std::string log;
  Hook hook(log);
  detach(loop.spawn(note(log, 'a')));
  loop.at_turn_end(hook);
  detach(loop.spawn(note(log, 'b')));

  loop.run_once();
  loop.run_once();

  CHECK(log == "abh");
  close_and_check(loop);
}

TEST_CASE("Loop: what was posted runs before time moves, and before a deadlock is reported") {
  Loop loop(virtual_clock());
  std::vector<TimePoint> ran;
  const auto post_and_sleep = [](std::vector<TimePoint>& times) -> Task<void> {
    const TimePoint start = Loop::current().now();
    Loop::current().post([&times] { times.push_back(Loop::current().now()); });
    co_await sleep(1h);
    CHECK(times == std::vector<TimePoint>{start});
  };
  loop.run_until_complete(post_and_sleep(ran));

  const auto cancel_by_post = []() -> Task<void> {
    const TaskRef self = current_task();
    Loop::current().post([self] { self.cancel(); });
    co_await Forever();
  };
  CHECK_THROWS_AS(loop.run_until_complete(cancel_by_post()), Cancelled);
}

TEST_CASE("run: returns the value, names the task main, cancels what is left") {
  Counts counts;
  const auto work = [](Counts& tracked) -> Task<std::string> {
    detach(spawn(sleep_long(Tracked(tracked))));
    co_await yield_now();
    co_return "done";
  };
  std::string name;
  LoopOptions options = virtual_clock();
  options.on_task_end = [&](const TaskRef& task) {
    if (task.status() == TaskStatus::kFinished) name = task.name();
  };

  const std::string result = run(work(counts), std::move(options));

  CHECK(result == "done");
  CHECK(name == "main");
  CHECK(counts.constructed > 0);
  CHECK(counts.alive() == 0);
}

TEST_CASE("run: throws what the task threw, and a cancel as Cancelled") {
  const auto fail = []() -> Task<void> {
    co_await yield_now();
    throw std::runtime_error("boom");
  };
  const auto cancel_self = []() -> Task<void> {
    current_context->cancel();
    co_await yield_now();
  };

  CHECK_THROWS_WITH_AS(run(fail()), "boom", std::runtime_error);
  CHECK_THROWS_AS(run(cancel_self()), Cancelled);
}

}  // namespace
}  // namespace brigade
