#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/sync/event.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> read_into(StreamReader& reader, std::string& out) {
  const std::string_view bytes = co_await reader.read(100);
  out = bytes;
}

Task<void> read_exactly_into(StreamReader& reader, std::size_t count, std::string& out) {
  const std::string_view bytes = co_await reader.readexactly(count);
  out = bytes;
}

Task<void> read_exactly_within(Nanoseconds limit, StreamReader& reader, std::size_t count,
                               std::string& out) {
  co_await timeout(limit, read_exactly_into(reader, count, out));
}

Task<void> read_line_into(StreamReader& reader, std::string& out) {
  const std::string_view bytes = co_await reader.readline();
  out = bytes;
}

// The reads that can fail, for thrown_by().
Task<void> read(StreamReader& reader) { co_await reader.read(100); }
Task<void> read_exactly(StreamReader& reader, std::size_t count) {
  co_await reader.readexactly(count);
}
Task<void> read_line(StreamReader& reader) { co_await reader.readline(); }

Task<int> read_errno(StreamReader& reader) {
  try {
    co_await reader.read(100);
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

TEST_CASE("StreamReader: read(n) returns 1 to n bytes, as soon as there are any [S-01]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    send_raw(link.peer, "abcde");

    const std::string first(co_await link.reader.read(2));
    const std::string rest(co_await link.reader.read(100));

    CHECK(first == "ab");
    CHECK(rest == "cde");
  });
}

TEST_CASE("StreamReader: an end inside a block tells what had come, and what was wanted [S-03]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    send_raw(link.peer, "abc");
    end_writing(link.peer);

    std::string partial;
    std::optional<std::size_t> expected;
    try {
      co_await link.reader.readexactly(5);
    } catch (const IncompleteReadError& error) {
      partial = error.partial;
      expected = error.expected;
    }

    CHECK(partial == "abc");
    CHECK(expected == 5);
    CHECK(link.reader.at_eof());
  });
}

TEST_CASE("StreamReader: an end inside a record tells what had come [S-03]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    send_raw(link.peer, "abc<");
    end_writing(link.peer);

    std::string partial;
    std::optional<std::size_t> expected = 1;
    try {
      co_await link.reader.readuntil("<>");
    } catch (const IncompleteReadError& error) {
      partial = error.partial;
      expected = error.expected;
    }

    CHECK(partial == "abc<");
    CHECK_FALSE(expected);
  });
}

TEST_CASE("StreamReader: the end of the stream is an empty read, each time [S-03]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    send_raw(link.peer, "abc");
    end_writing(link.peer);
    CHECK_FALSE(link.reader.at_eof());

    const std::string line(co_await link.reader.readline());
    CHECK(line == "abc");
    for (int i = 0; i < 3; ++i) {
      const std::string some(co_await link.reader.read(100));
      const std::string next(co_await link.reader.readline());
      const std::string thrown = co_await thrown_by(read_exactly(link.reader, 1));

      CHECK(some.empty());
      CHECK(next.empty());
      CHECK(contains(thrown, "IncompleteReadError"));
      CHECK(link.reader.at_eof());
    }
  });
}

TEST_CASE("StreamReader: after the peer's end we can still write [S-04]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    end_writing(link.peer);
    const std::string end(co_await link.reader.read(100));

    link.writer.write("still here");
    co_await link.writer.drain();
    co_await settle();

    CHECK(end.empty());
    CHECK(receive_raw(link.peer) == "still here");
  });
}

TEST_CASE("StreamReader: a reset that a write has met is an error for the next read too [S-05]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    const auto write_once = [](StreamWriter& writer) -> Task<void> {
      writer.write("x");
      co_await writer.drain();
    };
    reset(link.peer);
    std::string written = "nothing";
    while (written == "nothing") {
      written = co_await thrown_by(write_once(link.writer));
      co_await yield_now();
    }

    // The write has taken the socket's error: the kernel answers a receive as if it had ended.
    const int error = co_await read_errno(link.reader);

    CHECK(contains(written, "Connection reset"));
    CHECK(error == ECONNRESET);
  });
}

TEST_CASE(
    "StreamReader: what a peer sent before it closed is no reset, though a write was [S-05]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    const auto write_once = [](StreamWriter& writer) -> Task<void> {
      writer.write("x");
      co_await writer.drain();
    };
    send_raw(link.peer, "bye");
    link.peer.reset();
    std::string written = "nothing";
    while (written == "nothing") {
      written = co_await thrown_by(write_once(link.writer));
      co_await yield_now();
    }

    const std::string bytes(co_await link.reader.readexactly(3));
    const std::string end(co_await link.reader.read(1));

    CHECK(contains(written, "Broken pipe"));
    CHECK(bytes == "bye");
    CHECK(end.empty());
  });
}

TEST_CASE("StreamReader: a reset is an error, again on every later read, never an end [S-05]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    send_raw(link.peer, "abc");
    const std::string first(co_await link.reader.readexactly(3));
    reset(link.peer);

    CHECK(first == "abc");
    for (int i = 0; i < 3; ++i) {
      const int error = co_await read_errno(link.reader);
      const std::string line = co_await thrown_by(read_line(link.reader));
      const std::string block = co_await thrown_by(read_exactly(link.reader, 1));

      CHECK(error == ECONNRESET);
      CHECK(contains(line, "std::system_error"));
      CHECK(contains(block, "std::system_error"));
      CHECK_FALSE(link.reader.at_eof());
    }
  });
}

TEST_CASE("StreamReader: a reset wakes the read that waits, with the error [S-05]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    const TaskHandle<int> reading = spawn(read_errno(link.reader));
    co_await yield_now();

    reset(link.peer);
    const int error = co_await reading;

    CHECK(error == ECONNRESET);
  });
}

TEST_CASE("StreamReader: a zero-length read returns at once, with and without bytes [S-12]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    const std::string none(co_await link.reader.read(0));
    const std::string no_block(co_await link.reader.readexactly(0));
    send_raw(link.peer, "abc");
    const std::string still_none(co_await link.reader.read(0));
    const std::string bytes(co_await link.reader.read(100));

    CHECK(none.empty());
    CHECK(no_block.empty());
    CHECK(still_none.empty());
    CHECK(bytes == "abc");
  });
}

TEST_CASE("StreamReader: readexactly() may ask for more than the limit") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTotal = 1 << 20;
    Link link(unix_pair());
    const TaskHandle<void> sending = spawn(send_all(link.peer, counter_bytes(0, kTotal)));

    const std::string_view block = co_await link.reader.readexactly(kTotal);

    CHECK(block.size() == kTotal);
    CHECK(is_counter(block, 0));
    co_await sending;
  });
}

TEST_CASE("StreamReader: an empty separator is std::invalid_argument") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const std::string none;

    CHECK_THROWS_AS((void)link.reader.readuntil(none), std::invalid_argument);
    co_return;
  });
}

TEST_CASE("StreamReader: a second task that reads while one waits gets std::logic_error [S-14]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::string first;
    const TaskHandle<void> reading = spawn(read_into(link.reader, first));
    co_await settle();

    const std::string thrown = co_await thrown_by(read(link.reader));
    send_raw(link.peer, "abc");
    co_await reading;

    CHECK(contains(thrown, "std::logic_error"));
    CHECK(first == "abc");
  });
}

// Tries to read, until that is allowed.
Task<void> insist_on_reading(StreamReader& reader, std::string& out) {
  for (;;) {
    const std::string thrown = co_await thrown_by(read_into(reader, out));
    if (thrown == "nothing") co_return;
    co_await yield_now();
  }
}

TEST_CASE("StreamReader: the bytes of a read that waited are no other task's [S-14]") {
  run_async_real([]() -> Task<void> {
    Link link(unix_pair());
    std::string first;
    std::string second;
    const TaskHandle<void> reading = spawn(read_into(link.reader, first));
    co_await settle();
    const TaskHandle<void> insisting = spawn(insist_on_reading(link.reader, second));
    co_await turns(3);

    send_raw(link.peer, "a");
    co_await wait_done(reading);
    send_raw(link.peer, "b");
    co_await wait_done(insisting);

    CHECK(first == "a");
    CHECK(second == "b");
  });
}

TEST_CASE("StreamReader: tasks that wait for each other are a deadlock beside an idle connection") {
  const auto wait_in_vain = []() -> Task<void> {
    Link link(unix_pair());
    send_raw(link.peer, "a");
    co_await link.reader.read(1);  // On io_uring its receive stays armed.
    Event never;
    co_await never.wait();
  };
  Loop loop(loop_options());

  CHECK_THROWS_AS(loop.run_until_complete(wait_in_vain()), DeadlockError);
}

TEST_CASE("StreamReader: a cancelled read leaves the bytes to the next one [S-10]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::string out;
    const TaskHandle<void> reading = spawn(read_exactly_into(link.reader, 6, out));
    send_raw(link.peer, "abc");
    co_await settle();

    reading.cancel();
    co_await wait_done(reading);
    send_raw(link.peer, "def");
    const std::string bytes(co_await link.reader.readexactly(6));

    CHECK(reading.status() == TaskStatus::kCancelled);
    CHECK(bytes == "abcdef");
  });
}

TEST_CASE("StreamReader: what comes after the cancel of a read is there for the next one [S-10]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::string out;
    const TaskHandle<void> reading = spawn(read_line_into(link.reader, out));
    co_await settle();

    reading.cancel();
    co_await wait_done(reading);
    send_raw(link.peer, "abc\n");  // Into the receive that goes on, while nobody reads.
    co_await settle();
    const std::string line(co_await link.reader.readline());

    CHECK(reading.status() == TaskStatus::kCancelled);
    CHECK(line == "abc\n");
  });
}

TEST_CASE("StreamReader: a read past its deadline is TimeoutError, and loses nothing [S-10]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    send_raw(link.peer, "ab");
    std::string out;

    const std::string thrown = co_await thrown_by(read_exactly_within(5s, link.reader, 4, out));
    const TimePoint end = Loop::current().now();
    send_raw(link.peer, "cd");
    const std::string bytes(co_await link.reader.readexactly(4));

    CHECK(contains(thrown, "TimeoutError"));
    CHECK(end == TimePoint(5s));
    CHECK(bytes == "abcd");
  });
}

TEST_CASE("StreamReader: the end that came while nobody read is found by the next read [S-10]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::string out;
    const TaskHandle<void> reading = spawn(read_into(link.reader, out));
    co_await settle();
    reading.cancel();
    co_await wait_done(reading);

    end_writing(link.peer);
    co_await settle();
    const std::string end(co_await link.reader.read(100));

    CHECK(end.empty());
    CHECK(link.reader.at_eof());
  });
}

TEST_CASE("StreamReader: a view holds until the next read, whatever comes meanwhile") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::string out;
    const TaskHandle<void> reading = spawn(read_exactly_into(link.reader, 100, out));
    send_raw(link.peer, "abc");
    co_await settle();
    reading.cancel();  // Its receive stays with the kernel.
    co_await wait_done(reading);

    const std::string_view view = co_await link.reader.read(100);
    send_raw(link.peer, std::string(50'000, 'x'));
    co_await settle();

    CHECK(view == "abc");
  });
}

TEST_CASE("StreamReader: one that was moved reads on, also by assignment") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    Link other(unix_pair());
    send_raw(link.peer, "abcd");
    const std::string first(co_await link.reader.read(2));

    StreamReader moved(std::move(link.reader));
    other.reader = std::move(moved);
    const std::string second(co_await other.reader.read(2));

    CHECK(first == "ab");
    CHECK(second == "cd");
  });
}

TEST_CASE("StreamReader: destroying it first leaves the writer at work") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    {
      const StreamReader gone(std::move(link.reader));
    }

    link.writer.write("abc");
    const std::string bytes = co_await receive_bytes(link.peer, 3);

    CHECK(bytes == "abc");
  });
}

TEST_CASE("StreamReader: after close() it finds the end, and what had come before") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::string out = "untouched";
    const TaskHandle<void> reading = spawn(read_into(link.reader, out));
    co_await settle();

    link.writer.close();
    co_await reading;
    const std::string again(co_await link.reader.read(100));

    CHECK(out.empty());
    CHECK(again.empty());
    CHECK(link.reader.at_eof());
  });
}

TEST_CASE("Streams: a report names the descriptor that a task reads, or writes to") {
  run_async([]() -> Task<void> {
    const auto read_one = [](StreamReader& reader) -> Task<void> { co_await reader.read(1); };
    const auto fill = [](StreamWriter& writer) -> Task<void> {
      writer.write(std::string(std::size_t{8} << 20, 'x'));
      co_await writer.drain();
    };
    Link link(unix_pair());
    const TaskHandle<void> reading = spawn(read_one(link.reader), "reading");
    const TaskHandle<void> writing = spawn(fill(link.writer), "writing");
    co_await turns(3);

    const std::string tree = Loop::current().task_tree();

    CHECK(tree.find("'reading' waits for read fd ") != std::string::npos);
    CHECK(tree.find("'writing' waits for drain fd ") != std::string::npos);
    link.writer.abort();
    co_await wait_done(reading);
    co_await wait_done(writing);
    CHECK(reading.error() == nullptr);
    CHECK(writing.error() != nullptr);
  });
}

}  // namespace
}  // namespace brigade
