#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <iterator>
#include <string>
#include <system_error>

#include "brigade/net/stream.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/descriptors.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = 1 << 20;

// What wait_closed() threw: 0 or an errno.
Task<int> closing_errno(StreamWriter& writer) {
  try {
    co_await writer.wait_closed();
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

Task<void> count_closed(StreamWriter& writer, int& count) {
  co_await writer.wait_closed();
  ++count;
}

Task<int> drain_errno(StreamWriter& writer) {
  try {
    co_await writer.drain();
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

// Reads `step` bytes each `pause`; the bytes there were up to the end, or the errno.
struct Received {
  std::size_t bytes = 0;
  int error = 0;
};
Task<Received> receive_slowly(const Socket& peer, std::size_t step, Nanoseconds pause) {
  Received received;
  try {
    for (;;) {
      const std::string part = co_await receive_some(peer, step);
      if (part.empty()) co_return received;
      received.bytes += part.size();
      co_await sleep(pause);
    }
  } catch (const std::system_error& error) {
    received.error = error.code().value();
  }
  co_return received;
}

TEST_CASE("StreamWriter: close() flushes what was written, then ends the stream [S-08]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(counter_bytes(0, 4 * kMiB));

    link.writer.close();
    CHECK(link.writer.is_closing());
    const std::string received = co_await receive_all(link.peer);
    const int error = co_await closing_errno(link.writer);

    CHECK(received.size() == 4 * kMiB);
    CHECK(is_counter(received, 0));
    CHECK(error == 0);
  });
}

TEST_CASE("StreamWriter: close() over TCP ends by FIN, behind the last byte [S-08]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    link.writer.write(counter_bytes(0, 4 * kMiB));

    link.writer.close();
    const std::string received = co_await receive_all(link.peer);
    co_await link.writer.wait_closed();

    CHECK(received.size() == 4 * kMiB);
    CHECK(is_counter(received, 0));
  });
}

TEST_CASE("StreamWriter: the destructor closes as close() does [S-08]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    {
      StreamReader reader(std::move(link.reader));
      StreamWriter writer(std::move(link.writer));
      writer.write(counter_bytes(0, 4 * kMiB));
    }

    const std::string received = co_await receive_all(link.peer);

    CHECK(received.size() == 4 * kMiB);
    CHECK(is_counter(received, 0));
  });
}

TEST_CASE("StreamWriter: close() is idempotent, and wait_closed() completes once for each [S-08]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    int closed = 0;
    link.writer.write(std::string(4 * kMiB, 'x'));
    const TaskHandle<void> first = spawn(count_closed(link.writer, closed));
    const TaskHandle<void> second = spawn(count_closed(link.writer, closed));
    co_await settle();

    link.writer.close();
    link.writer.close();
    co_await settle();
    CHECK(closed == 0);  // The peer has not read yet.
    co_await receive_all(link.peer);
    co_await settle();
    link.writer.close();
    link.writer.abort();
    co_await count_closed(link.writer, closed);

    CHECK(first.done());
    CHECK(second.done());
    CHECK(closed == 3);
  });
}

TEST_CASE("StreamWriter: abort() resets at once [S-08]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());

    link.writer.abort();
    const int error = co_await closing_errno(link.writer);
    const int seen = co_await end_of(link.peer);

    CHECK(error == 0);  // As it was asked for.
    CHECK(seen == ECONNRESET);
  });
}

TEST_CASE("StreamWriter: abort() drops what was written and wakes who waits [S-08]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    link.writer.write(std::string(16 * kMiB, 'x'));
    const TaskHandle<int> draining = spawn(drain_errno(link.writer));
    const TaskHandle<int> closing = spawn(closing_errno(link.writer));
    co_await yield_now();
    CHECK_FALSE(draining.done());

    link.writer.abort();
    link.writer.abort();
    const int drained = co_await draining;
    const int closed = co_await closing;
    const int seen = co_await end_of(link.peer);

    CHECK(drained == ECONNABORTED);
    CHECK(closed == 0);
    CHECK(seen == ECONNRESET);
  });
}

TEST_CASE("StreamWriter: abort() cuts a close() short that waits for its peer [S-08]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(std::string(4 * kMiB, 'x'));
    link.writer.close();
    co_await settle();

    link.writer.abort();
    co_await link.writer.wait_closed();

    CHECK(Loop::current().now() < TimePoint(1s));
  });
}

TEST_CASE("StreamWriter: abort() wakes a read that waits") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const auto read = [](StreamReader& reader) -> Task<std::string> {
      const std::string_view bytes = co_await reader.read(100);
      co_return std::string(bytes);
    };
    const TaskHandle<std::string> reading = spawn(read(link.reader));
    co_await settle();

    link.writer.abort();
    co_await wait_done(reading);

    CHECK(Loop::current().now() < TimePoint(1s));
  });
}

TEST_CASE("StreamWriter: a closing connection whose peer never reads is reset after 30 s [S-08]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(std::string(4 * kMiB, 'x'));

    link.writer.close();
    const int error = co_await closing_errno(link.writer);

    CHECK(error == ETIMEDOUT);
    CHECK(Loop::current().now() == TimePoint(30s));
    const std::string received = co_await receive_all(link.peer);
    CHECK(received.size() < 4 * kMiB);
  });
}

TEST_CASE(
    "StreamWriter: a closing connection whose peer reads on, if slowly, is not reset [S-08]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTotal = 4 * kMiB;
    Link link(unix_pair());
    link.writer.write(std::string(kTotal, 'x'));
    // The kernel tells us of room only when most of its buffer was read, after several steps.
    const TaskHandle<Received> receiving = spawn(receive_slowly(link.peer, kTotal / 64, 3s));

    link.writer.close();
    const int error = co_await closing_errno(link.writer);
    const Received received = co_await receiving;

    CHECK(error == 0);
    CHECK(received.bytes == kTotal);
    CHECK(Loop::current().now() > TimePoint(60s));
  });
}

TEST_CASE("StreamWriter: a peer that stops reading in the middle of a close has 30 s more [S-08]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(std::string(4 * kMiB, 'x'));
    link.writer.close();

    co_await sleep(20s);
    const std::string part = receive_raw(link.peer, kMiB);
    const int error = co_await closing_errno(link.writer);

    CHECK(part.size() > 65536);
    CHECK(error == ETIMEDOUT);
    CHECK((Loop::current().now() >= TimePoint(50s)));
  });
}

TEST_CASE("StreamWriter: closing with unread input does not destroy the last answer [S-09]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    send_raw(link.peer, std::string(100'000, 'x'));
    co_await link.reader.readexactly(1);

    link.writer.write("bye");
    link.writer.close();
    co_await link.writer.wait_closed();
    const std::string received = co_await receive_all(link.peer);

    CHECK(received == "bye");
  });
}

TEST_CASE("StreamWriter: wait_closed() tells of a connection that broke") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(std::string(4 * kMiB, 'x'));
    link.writer.close();
    co_await settle();

    link.peer.reset();
    const int error = co_await closing_errno(link.writer);
    const int again = co_await closing_errno(link.writer);

    CHECK((error == EPIPE || error == ECONNRESET));
    CHECK(again == error);
  });
}

TEST_CASE("StreamWriter: a cancelled wait_closed() stops waiting, and the close goes on") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(counter_bytes(0, 4 * kMiB));
    link.writer.close();
    int closed = 0;
    const TaskHandle<void> waiting = spawn(count_closed(link.writer, closed));
    co_await settle();

    waiting.cancel();
    co_await wait_done(waiting);
    const std::string received = co_await receive_all(link.peer);

    CHECK(waiting.status() == TaskStatus::kCancelled);
    CHECK(closed == 0);
    CHECK(is_counter(received, 0));
    CHECK(received.size() == 4 * kMiB);
  });
}

TEST_CASE("StreamWriter: a connection that never did anything closes") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    link.writer.close();
    co_await link.writer.wait_closed();

    CHECK(link.reader.at_eof());
    const int end = co_await end_of(link.peer);
    CHECK(end == 0);
  });
}

// Tasks that each leave something open when the loop closes.
using Leave = Task<void> (*)(StreamReader reader, StreamWriter writer);

Task<void> leave_reading(StreamReader reader, StreamWriter) { co_await reader.readexactly(100); }

Task<void> leave_unsent(StreamReader, StreamWriter writer) {
  writer.write(std::string(4 * kMiB, 'x'));
  co_await sleep(1h);
}

Task<void> leave_draining(StreamReader, StreamWriter writer) {
  writer.write(std::string(4 * kMiB, 'x'));
  co_await writer.drain();
}

Task<void> leave_closing(StreamReader, StreamWriter writer) {
  writer.write(std::string(4 * kMiB, 'x'));
  writer.close();
  co_await writer.wait_closed();
}

Task<void> leave_flushing(StreamReader, StreamWriter writer) {
  writer.write(std::string(4 * kMiB, 'x'));
  co_return;  // The close goes on without a task.
}

Task<void> leave_just_written(StreamReader, StreamWriter writer) {
  for (;;) {
    writer.write("x");
    co_await yield_now();
  }
}

TEST_CASE("Loop: close() ends streams in every state and leaves nothing behind") {
  const std::ptrdiff_t before = open_descriptors();
  for (const Leave leave : {&leave_reading, &leave_unsent, &leave_draining, &leave_closing,
                            &leave_flushing, &leave_just_written}) {
    for (const bool tcp : {false, true}) {
      Loop loop(loop_options());
      SocketPair sockets = tcp ? tcp_pair(&loop) : unix_pair(&loop);
      auto [reader, writer] = open_streams(std::move(sockets.first));
      const TaskHandle<void> task = loop.spawn(leave(std::move(reader), std::move(writer)));
      for (int i = 0; i < 3; ++i) loop.run_once();

      loop.close();

      CHECK(task.done());
      CHECK(loop.ledger().operations == 0);
      CHECK(loop.ledger().descriptors == 1);  // The peer's.
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("Loop: close() reaches the peer of a stream: it sees an end, not silence") {
  int ends[2] = {-1, -1};  // The kernel's, as one outlives the loop.
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd peer(ends[1]);
  {
    Loop loop;
    auto [reader, writer] = open_streams(Socket(&loop, UniqueFd(ends[0])));
    detach(loop.spawn(leave_reading(std::move(reader), std::move(writer))));
    for (int i = 0; i < 3; ++i) loop.run_once();
    loop.close();
  }

  char byte = 0;
  CHECK(::recv(peer.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

}  // namespace
}  // namespace brigade
