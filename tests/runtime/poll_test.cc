#include "brigade/runtime/poll.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> wait_read(int fd) { co_await wait_readable(fd); }

Task<void> wait_write(int fd) { co_await wait_writable(fd); }

Task<void> wait_read_and_count(int fd, int& ready) {
  co_await wait_readable(fd);
  ++ready;
}

TEST_CASE("wait_readable: parks until a byte is there") {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    run_async_real(
        []() -> Task<void> {
          const Pipe pipe;
          const TaskHandle<void> reader = spawn(wait_read(pipe.reader.get()));
          co_await sleep(1ms);
          CHECK_FALSE(reader.done());

          pipe.write_byte();
          co_await reader;
          co_await wait_readable(pipe.reader.get());  // What is ready stays ready.

          CHECK(reader.status() == TaskStatus::kFinished);
        },
        std::move(options));
  }
}

TEST_CASE("wait_readable: the end of the stream counts as ready") {
  run_async([]() -> Task<void> {
    Pipe pipe;
    const TaskHandle<void> reader = spawn(wait_read(pipe.reader.get()));
    co_await sleep(1ms);

    pipe.writer.reset();
    co_await reader;

    CHECK(reader.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("wait_writable: parks while a pipe is full") {
  run_async([]() -> Task<void> {
    const Pipe pipe;
    co_await wait_writable(pipe.writer.get());
    std::vector<char> chunk(65536);
    while (::write(pipe.writer.get(), chunk.data(), chunk.size()) > 0) {
    }
    const TaskHandle<void> writer = spawn(wait_write(pipe.writer.get()));
    co_await sleep(1ms);
    CHECK_FALSE(writer.done());

    while (::read(pipe.reader.get(), chunk.data(), chunk.size()) > 0) {
    }
    co_await writer;

    CHECK(writer.status() == TaskStatus::kFinished);
  });
}

TEST_CASE("wait_readable: an error names the descriptor and the cause") {
  run_async([]() -> Task<void> {
    std::string told;
    int code = 0;

    try {
      co_await wait_readable(987654);
    } catch (const std::system_error& error) {
      told = error.what();
      code = error.code().value();
    }

    CHECK(told == "wait for descriptor 987654: Bad file descriptor");
    CHECK(code == EBADF);
  });
}

TEST_CASE(
    "wait_readable: a cancelled task stays parked until the kernel gave the operation back "
    "[T-02]") {
  // A task that ended before its operation would leave the kernel an operation in freed memory.
  std::size_t at_end = 1;
  Loop* own = nullptr;
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  options.on_task_end = [&](const TaskRef& task) {
    if (task.name() == "reader") at_end = own->ledger().operations;
  };
  Loop loop(loop_options(std::move(options)));
  own = &loop;
  const auto work = []() -> Task<void> {
    Loop& current = Loop::current();
    const Pipe pipe;
    const TaskHandle<void> reader = spawn(wait_read(pipe.reader.get()), "reader");
    co_await yield_now();
    CHECK(current.ledger().operations == 1);

    reader.cancel();
    co_await turns(20);  // Less than the loop runs between two looks at the kernel.
    CHECK(current.ledger().operations == 1);
    CHECK_FALSE(reader.done());
    co_await wait_done(reader);

    CHECK(reader.status() == TaskStatus::kCancelled);
  };

  loop.run_until_complete(work());

  CHECK(at_end == 0);
  close_and_check(loop);
}

TEST_CASE(
    "wait_readable: readiness that wins against a cancel is delivered, the cancel follows [T-03]") {
  LoopOptions options;
  options.backend = BackendKind::kIoUring;  // Sees the operation first; epoll sees the cancel only.
  run_async(
      []() -> Task<void> {
        std::string log;
        const Pipe pipe;
        const auto work = [](int fd, std::string& out) -> Task<void> {
          co_await wait_readable(fd);
          out += "ready";
          co_await yield_now();
          out += " went on";
        };
        pipe.write_byte();  // So that the kernel answers at once, before it sees the cancel.
        const TaskHandle<void> reader = spawn(work(pipe.reader.get(), log));
        co_await yield_now();

        reader.cancel();
        co_await wait_done(reader);

        CHECK(log == "ready");
        CHECK(reader.status() == TaskStatus::kCancelled);
        pipe.read_byte();  // Nobody took it.
      },
      std::move(options));
}

TEST_CASE(
    "wait_readable: a cancel after the completion was seen comes at the next suspension [T-03]") {
  // Both tell of all that is complete in one turn; a chaotic one may not.
  for (const BackendKind backend : {BackendKind::kIoUring, BackendKind::kEpoll}) {
    LoopOptions options;
    options.backend = backend;
    run_async(
        []() -> Task<void> {
          std::string log;
          std::vector<TaskHandle<void>> both;
          const auto work = [](int fd, std::string& out, std::vector<TaskHandle<void>>& all,
                               std::size_t other) -> Task<void> {
            co_await wait_readable(fd);
            out += "ready ";
            all[other].cancel();  // Its completion came in the same turn; it is ready, not resumed.
            co_await yield_now();
            out += "went on ";
          };
          const Pipe pipe;
          both.push_back(spawn(work(pipe.reader.get(), log, both, 1)));
          both.push_back(spawn(work(pipe.reader.get(), log, both, 0)));
          co_await sleep(1ms);
          CHECK(log == "");

          pipe.write_byte();
          co_await wait_done(both[0]);
          co_await wait_done(both[1]);

          CHECK(log == "ready ready ");
          CHECK(both[0].status() == TaskStatus::kCancelled);
          CHECK(both[1].status() == TaskStatus::kCancelled);
        },
        std::move(options));
  }
}

TEST_CASE("wait_readable: a cancel due before it begins asks the kernel for nothing") {
  run_async([]() -> Task<void> {
    const Pipe pipe;
    const auto work = [](int fd) -> Task<void> {
      current_context->cancel();
      co_await wait_readable(fd);
    };

    const TaskHandle<void> reader = spawn(work(pipe.reader.get()));
    co_await yield_now();

    CHECK(reader.status() == TaskStatus::kCancelled);
    CHECK(Loop::current().ledger().operations == 0);
  });
}

TEST_CASE("wait_readable: two tasks may wait for one descriptor, and one be cancelled") {
  run_async([]() -> Task<void> {
    const Pipe pipe;
    const TaskHandle<void> first = spawn(wait_read(pipe.reader.get()));
    const TaskHandle<void> second = spawn(wait_read(pipe.reader.get()));
    co_await sleep(1ms);

    first.cancel();
    co_await wait_done(first);
    CHECK_FALSE(second.done());
    pipe.write_byte();
    co_await second;

    CHECK(first.status() == TaskStatus::kCancelled);
  });
}

// A thousand waits through a ring of two entries; every `cancel_every`-th is cancelled, in random
// order, in the turn it was submitted or a later one, and the others are made ready.
Task<void> crowd(int cancel_every, bool same_turn) {
  constexpr int kPipes = 50;
  constexpr int kWaits = 1000;
  std::mt19937 random(5);
  std::vector<Pipe> pipes(kPipes);
  std::vector<TaskHandle<void>> waits;
  int ready = 0;
  for (int i = 0; i < kWaits; ++i)
    waits.push_back(spawn(
        wait_read_and_count(pipes[static_cast<std::size_t>(i % kPipes)].reader.get(), ready)));
  co_await yield_now();
  CHECK(Loop::current().ledger().operations >= kWaits);
  if (!same_turn) co_await sleep(1ms);

  std::vector<TaskHandle<void>> losers;
  for (std::size_t i = 0; i < waits.size(); i += static_cast<std::size_t>(cancel_every))
    losers.push_back(waits[i]);
  std::ranges::shuffle(losers, random);
  for (const auto& loser : losers) loser.cancel();
  for (const auto& loser : losers) {
    co_await wait_done(loser);
    REQUIRE(loser.status() == TaskStatus::kCancelled);
  }
  CHECK(ready == 0);
  for (const Pipe& pipe : pipes) pipe.write_byte();
  for (const auto& wait : waits) co_await wait_done(wait);

  CHECK(ready == kWaits - static_cast<int>(losers.size()));
}

TEST_CASE("wait_readable: a full submission queue drops neither operations nor cancels [E-06]") {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual}) {
    LoopOptions options;
    options.clock = clock;
    options.ring_entries = 2;
    run_async_real(
        []() -> Task<void> {
          for (const bool same_turn : {true, false}) {
            co_await crowd(1, same_turn);
            co_await crowd(3, same_turn);
            co_await crowd(1000, same_turn);
          }
        },
        std::move(options));
  }
}

TEST_CASE(
    "Loop: a thousand waits through a ring of two entries are taken back at close [E-06][T-08]") {
  const Pipe pipe;
  std::size_t descriptors = 0;
  {
    LoopOptions options;
    options.ring_entries = 2;
    Loop loop(loop_options(std::move(options)));
    for (int i = 0; i < 1000; ++i) detach(loop.spawn(wait_read(pipe.reader.get())));
    loop.run_until_complete(turns(2));
    CHECK(loop.ledger().operations >= 1000);

    loop.close();

    const Ledger left = loop.ledger();
    CHECK(left.operations == 0);
    CHECK(left.frames == 0);
    descriptors = left.descriptors;
  }
  CHECK(descriptors == 2);
}

Task<void> read_ready_pipe() {
  const Pipe pipe;
  pipe.write_byte();
  co_await wait_readable(pipe.reader.get());
}

// So long that it is not over before the loop comes to wait for it.
Task<void> nap() { co_await sleep(100ms); }

// Runs a program with I/O and one that sleeps; tells on stderr whether they got what they wanted.
void run_two_programs(BackendKind backend) {
  for (Task<void> (*const program)() : {&read_ready_pipe, &nap}) {
    LoopOptions options;
    options.backend = backend;
    try {
      run(program(), std::move(options));
      std::fprintf(stderr, "ran\n");
    } catch (const std::system_error& error) {
      std::fprintf(stderr, "[%d] %s\n", error.code().value(), error.what());
    } catch (const std::invalid_argument& error) {
      std::fprintf(stderr, "invalid: %s\n", error.what());
    }
  }
}

int count_of(const std::string& words, const std::string& text) {
  int count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++count;
  return count;
}

TEST_CASE("Loop: where io_uring is forbidden, an error names cause and remedy [E-01]") {
  const ChildEnd end = run_in_child([] {
    forbid_io_uring(EPERM);
    run_two_programs(BackendKind::kIoUring);
  });

  INFO(end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(count_of("[" + std::to_string(EPERM) + "] io_uring is refused", end.errors) == 2);
  CHECK(count_of("seccomp", end.errors) == 2);
  CHECK(count_of("allow io_uring_setup", end.errors) == 2);
}

TEST_CASE("Loop: where io_uring is missing, an error names cause and remedy [E-01]") {
  const ChildEnd end = run_in_child([] {
    forbid_io_uring(ENOSYS);
    run_two_programs(BackendKind::kIoUring);
  });

  INFO(end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(count_of("[" + std::to_string(ENOSYS) + "] io_uring is missing", end.errors) == 2);
  CHECK(count_of("use a kernel of 6.1 or newer", end.errors) == 2);
}

TEST_CASE("Loop: where io_uring is refused, epoll serves, and that is announced once [E-01]") {
  for (void (*const refuse)() :
       {+[] { forbid_io_uring(EPERM); }, +[] { forbid_io_uring(ENOSYS); }}) {
    static void (*refused)();
    refused = refuse;
    const ChildEnd end = run_in_child([] {
      ::unsetenv("BRIGADE_BACKEND");
      refused();
      run_two_programs(BackendKind::kAuto);
    });

    INFO(end.errors);
    CHECK(end.signal == 0);
    CHECK(count_of("brigade: io_uring is ", end.errors) == 1);
    CHECK(count_of("using epoll", end.errors) == 1);
    CHECK(count_of("ran\n", end.errors) == 2);
  }
}

TEST_CASE("Loop: BRIGADE_BACKEND decides where the program does not [E-01]") {
  const ChildEnd io_uring = run_in_child([] {
    ::setenv("BRIGADE_BACKEND", "io_uring", 1);
    forbid_io_uring(EPERM);
    run_two_programs(BackendKind::kAuto);
  });
  const ChildEnd epoll = run_in_child([] {
    ::setenv("BRIGADE_BACKEND", "epoll", 1);
    forbid_io_uring(EPERM);
    run_two_programs(BackendKind::kAuto);
  });
  const ChildEnd other = run_in_child([] {
    ::setenv("BRIGADE_BACKEND", "kqueue", 1);
    run_two_programs(BackendKind::kAuto);
  });

  INFO(io_uring.errors);
  CHECK(io_uring.signal == 0);
  CHECK(count_of("io_uring is refused", io_uring.errors) == 2);
  CHECK(epoll.errors == "ran\nran\n");
  CHECK(count_of("invalid: BRIGADE_BACKEND is 'kqueue': io_uring and epoll are accepted",
                 other.errors) == 2);
}

TEST_CASE("Loop: the virtual clock without I/O needs no io_uring [E-01]") {
  const ChildEnd end = run_in_child([] {
    forbid_io_uring(EPERM);
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    options.backend = BackendKind::kIoUring;
    const auto work = []() -> Task<int> {
      const TaskHandle<void> napper = spawn(nap());
      co_await napper;
      co_return 7;
    };
    if (run(work(), std::move(options)) == 7) std::fprintf(stderr, "ran");
  });

  CHECK(end.signal == 0);
  CHECK(end.errors == "ran");
}

TEST_CASE("Loop: a task that caught the refusal of io_uring can go on [E-01]") {
  const ChildEnd end = run_in_child([] {
    forbid_io_uring(EPERM);
    LoopOptions options;
    options.backend = BackendKind::kIoUring;
    run_async(
        []() -> Task<void> {
          const Pipe pipe;
          const std::string thrown = co_await thrown_by(wait_read(pipe.reader.get()));
          co_await sleep(1s);
          if (count_of("io_uring is refused", thrown) == 1) std::fprintf(stderr, "went on");
        },
        std::move(options));
  });

  CHECK(end.signal == 0);
  CHECK(end.errors == "went on");
}

TEST_CASE("wait_readable: a report names the descriptor that a task waits for") {
  run_async([]() -> Task<void> {
    const auto wait_for = [](int fd) -> Task<void> { co_await wait_readable(fd); };
    const Pipe pipe;
    const TaskHandle<void> reader = spawn(wait_for(pipe.reader.get()), "reader");
    co_await turns(2);

    const std::string tree = Loop::current().task_tree();

    CHECK(tree.find("'reader' waits for read fd " + std::to_string(pipe.reader.get()) + ", ") !=
          std::string::npos);
    reader.cancel();
    co_await wait_done(reader);
  });
}

}  // namespace
}  // namespace brigade
