// What is written leaves at the end of the turn: whatever else happens in that turn.
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/event.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

void run_on_both_clocks(AsyncBody body) {
  run_async(body);
  run_async_real(body);
}

Task<int> closing_errno(StreamWriter& writer) {
  try {
    co_await writer.wait_closed();
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

TEST_CASE("StreamWriter: close() in the turn of a write(), or in a later one, sends it [S-08]") {
  run_on_both_clocks([]() -> Task<void> {
    for (int later = 0; later < 4; ++later) {
      Link link(unix_pair());

      link.writer.write("first ");
      co_await turns(later);
      link.writer.write("second");
      link.writer.close();
      const int error = co_await closing_errno(link.writer);
      const std::string received = co_await receive_all(link.peer);

      CHECK(error == 0);
      CHECK(received == "first second");
    }
  });
}

TEST_CASE("StreamWriter: write_eof() in the turn of a write(), or later, is behind it [S-04]") {
  run_on_both_clocks([]() -> Task<void> {
    for (int later = 0; later < 4; ++later) {
      Link link(unix_pair());

      link.writer.write("first ");
      co_await turns(later);
      link.writer.write("second");
      link.writer.write_eof();
      const std::string received = co_await receive_all(link.peer);
      send_raw(link.peer, "answer");
      const std::string answer(co_await link.reader.readexactly(6));

      CHECK(received == "first second");
      CHECK(answer == "answer");
    }
  });
}

TEST_CASE("StreamWriter: write_eof() one turn after the write() still ends the stream [S-04]") {
  run_on_both_clocks([]() -> Task<void> {
    for (int later = 0; later < 4; ++later) {
      Link link(unix_pair());

      link.writer.write("all");
      co_await turns(later);
      link.writer.write_eof();
      const std::string received = co_await receive_all(link.peer);

      CHECK(received == "all");
    }
  });
}

TEST_CASE("StreamWriter: abort() in the turn of a write(), or in a later one, ends it [S-08]") {
  run_on_both_clocks([]() -> Task<void> {
    for (int later = 0; later < 4; ++later) {
      Link link(unix_pair());

      link.writer.write("first ");
      co_await turns(later);
      link.writer.write("second");
      link.writer.abort();
      const int error = co_await closing_errno(link.writer);
      const std::string received = receive_raw(link.peer);

      CHECK(error == 0);
      CHECK(std::string_view("first ").starts_with(received));
    }
  });
}

Task<void> write_once(StreamWriter& writer, std::string text) {
  writer.write(text);
  co_return;
}

TEST_CASE("StreamWriter: what the last turn of a run has written is sent") {
  for (const BackendKind backend : {BackendKind::kIoUring, BackendKind::kEpoll}) {
    LoopOptions options;
    options.backend = backend;
    Loop loop(options);
    const auto connect = []() -> Task<Link> { co_return Link(unix_pair()); };
    {
      Link link = loop.run_until_complete(connect());

      loop.run_until_complete(write_once(link.writer, "once"));

      CHECK(receive_raw(link.peer) == "once");
    }
    close_and_check(loop);
  }
}

Task<void> write_and_wait(Link& link, Event& never) {
  link.writer.write("before");
  co_await never.wait();
}

TEST_CASE("Loop: a send that nobody waits for keeps no deadlock from being found") {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    LoopOptions options;
    options.clock = clock;
    Loop loop(loop_options(options));
    const auto deadlock = []() -> Task<void> {
      Link link(unix_pair());
      Event never;
      co_await write_and_wait(link, never);
    };

    CHECK_THROWS_AS(loop.run_until_complete(deadlock()), DeadlockError);

    close_and_check(loop);
  }
}

TEST_CASE("StreamWriter: a send takes no time of the virtual clock") {
  LoopOptions options;
  options.backend = BackendKind::kIoUring;
  run_async(
      []() -> Task<void> {
        Link link(unix_pair());
        const TimePoint start = Loop::current().now();
        std::string received;
        for (int i = 0; i < 100; ++i) {
          link.writer.write("x");
          received += co_await receive_some(link.peer);
        }

        CHECK(received == std::string(100, 'x'));
        CHECK(Loop::current().now() == start);
        link.writer.write("last");
        co_await sleep(7ms);
        CHECK(Loop::current().now() - start == 7ms);
        CHECK(receive_raw(link.peer) == "last");
      },
      options);
}

TEST_CASE("StreamWriter: turn after turn into a full socket, all arrives in its order [S-07]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTurns = 3000;
    constexpr std::size_t kBlock = 200;
    for (const bool close : {false, true}) {
      Link link(unix_pair());

      for (std::size_t i = 0; i < kTurns; ++i) {
        link.writer.write(counter_bytes(i * kBlock, kBlock));
        co_await yield_now();
      }
      if (close) link.writer.close();
      const std::string received = co_await receive_bytes(link.peer, kTurns * kBlock);

      CHECK(received.size() == kTurns * kBlock);
      CHECK(is_counter(received, 0));
    }
  });
}

Task<void> drain(StreamWriter& writer) { co_await writer.drain(); }

TEST_CASE("StreamWriter: drain() in the turn of many short writes waits for the peer [S-07]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kBlock = 5000;
    constexpr std::size_t kBlocks = 200;  // More than a socket and the high-water mark take.
    Link link(unix_pair());

    for (std::size_t i = 0; i < kBlocks; ++i) link.writer.write(counter_bytes(i * kBlock, kBlock));
    const TaskHandle<void> draining = spawn(drain(link.writer));
    co_await settle();
    const bool waited = !draining.done();
    const std::string received = co_await receive_bytes(link.peer, kBlocks * kBlock);
    co_await draining;

    CHECK(waited);
    CHECK(received.size() == kBlocks * kBlock);
    CHECK(is_counter(received, 0));
  });
}

TEST_CASE("StreamWriter: a short write that fails breaks the connection, as a long one [S-06]") {
  run_on_both_clocks([]() -> Task<void> {
    Link link(unix_pair());
    link.peer.reset();

    link.writer.write("lost");
    std::string drained;
    do {  // Until the kernel has told.
      co_await settle();
      drained = co_await thrown_by(drain(link.writer));
    } while (drained == "nothing");
    link.writer.close();
    const int error = co_await closing_errno(link.writer);

    CHECK(contains(drained, "Broken pipe"));
    CHECK(error == EPIPE);
  });
}

}  // namespace
}  // namespace brigade
