#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = 1 << 20;

Task<void> drain(StreamWriter& writer) { co_await writer.drain(); }

Task<void> read_some(StreamReader& reader) { co_await reader.read(100); }

Task<int> drain_errno(StreamWriter& writer) {
  try {
    co_await writer.drain();
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

// Writes until the connection breaks; the errno.
Task<int> write_until_broken(StreamWriter& writer) {
  for (;;) {
    writer.write("more");
    const int error = co_await drain_errno(writer);
    if (error != 0) co_return error;
    co_await yield_now();
  }
}

// Writes counter bytes and drains, as fast as it may; `written` tells how far it got. Ends after
// far more than a peer that does not read should make possible.
Task<void> write_eagerly(StreamWriter& writer, std::size_t block, std::size_t& written) {
  while (written < 32 * kMiB) {
    writer.write(counter_bytes(written, block));
    written += block;
    co_await writer.drain();
  }
}

Task<void> write_total(StreamWriter& writer, std::size_t block, std::size_t total) {
  for (std::size_t sent = 0; sent < total; sent += block) {
    writer.write(counter_bytes(sent, block));
    co_await writer.drain();
  }
  writer.write_eof();
}

// Checks the counter bytes that come up to the end, `step` at most at a time; how many were right.
Task<std::size_t> receive_counter(const Socket& peer, std::size_t step) {
  for (std::size_t position = 0;;) {
    const std::string part = co_await receive_some(peer, step);
    if (part.empty() || !is_counter(part, position)) co_return position;
    position += part.size();
  }
}

TEST_CASE("StreamWriter: what was written arrives in the order of the writes") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    link.writer.write("one ");
    link.writer.write("two ");
    co_await link.writer.drain();
    link.writer.write("three");
    co_await link.writer.drain();
    co_await settle();

    CHECK(receive_raw(link.peer) == "one two three");
  });
}

TEST_CASE("StreamWriter: what was written without drain() is sent at the end of the turn") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    link.writer.write("abc");
    link.writer.write("def");
    const std::string before = receive_raw(link.peer);
    const std::string after = co_await receive_bytes(link.peer, 6);

    CHECK(before.empty());
    CHECK(after == "abcdef");
  });
}

TEST_CASE("StreamWriter: drain() returns at once while the buffer is below its mark") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const TaskHandle<void> other = spawn(turns(1));

    link.writer.write("abc");
    co_await link.writer.drain();

    CHECK_FALSE(other.done());  // We never parked.
    co_await other;
  });
}

TEST_CASE("StreamWriter: a zero-length write sends nothing and breaks nothing [S-12]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    link.writer.write("");
    co_await link.writer.drain();
    co_await settle();
    const std::string nothing = receive_raw(link.peer);
    link.writer.write("abc");
    link.writer.write("");
    co_await link.writer.drain();
    co_await settle();

    CHECK(nothing.empty());
    CHECK(receive_raw(link.peer) == "abc");
  });
}

TEST_CASE("StreamWriter: write_eof() ends our direction behind what was written [S-04]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const TaskHandle<std::size_t> receiving = spawn(receive_counter(link.peer, 65536));

    link.writer.write(counter_bytes(0, 4 * kMiB));
    link.writer.write_eof();
    link.writer.write_eof();
    const std::size_t received = co_await receiving;

    CHECK(received == 4 * kMiB);
  });
}

TEST_CASE("StreamWriter: after write_eof() we can still read [S-04]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    link.writer.write_eof();
    const int end = co_await end_of(link.peer);
    send_raw(link.peer, "still here");
    const std::string bytes(co_await link.reader.read(100));

    CHECK(end == 0);
    CHECK(bytes == "still here");
    CHECK_FALSE(link.writer.is_closing());
  });
}

TEST_CASE("StreamWriter: write() after write_eof() or close() is std::logic_error") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());

    link.writer.write_eof();
    CHECK_THROWS_AS(link.writer.write("abc"), std::logic_error);
    link.writer.close();
    CHECK_THROWS_AS(link.writer.write("abc"), std::logic_error);
    co_await link.writer.wait_closed();
    CHECK_THROWS_AS(link.writer.write("abc"), std::logic_error);
    link.writer.write_eof();  // Late, and harmless.

    CHECK(receive_raw(link.peer).empty());
  });
}

TEST_CASE(
    "StreamWriter: write() to a connection that was reset raises, SIGPIPE does not kill [S-06]") {
  ::signal(SIGPIPE, SIG_DFL);  // Whoever started us may have ignored it.
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    reset(link.peer);

    const int error = co_await write_until_broken(link.writer);

    CHECK((error == ECONNRESET || error == EPIPE));
  });
}

TEST_CASE("StreamWriter: after a reset drain() throws each time, and writes are dropped [S-06]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    reset(link.peer);
    const int first = co_await write_until_broken(link.writer);

    for (int i = 0; i < 3; ++i) {
      link.writer.write(std::string(100'000, 'x'));
      const int again = co_await drain_errno(link.writer);
      CHECK(again == first);
    }
  });
}

TEST_CASE("StreamWriter: the error of a broken connection names the peer [S-06]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    const std::string peer = link.writer.peer_address().to_string();
    reset(link.peer);
    co_await write_until_broken(link.writer);

    const std::string thrown = co_await thrown_by(drain(link.writer));

    CHECK(contains(thrown, "write to " + peer));
  });
}

TEST_CASE(
    "StreamWriter: write() after a read has met the reset raises, SIGPIPE does not kill [S-06]") {
  ::signal(SIGPIPE, SIG_DFL);
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    reset(link.peer);
    const std::string read = co_await thrown_by(read_some(link.reader));

    // The read has taken the socket's error: the kernel answers the first send by EPIPE.
    const int error = co_await write_until_broken(link.writer);

    CHECK(contains(read, "Connection reset"));
    CHECK(error == ECONNRESET);
  });
}

TEST_CASE(
    "StreamWriter: write() to a Unix peer that has gone raises, SIGPIPE does not kill [S-06]") {
  ::signal(SIGPIPE, SIG_DFL);
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.peer.reset();

    const int error = co_await write_until_broken(link.writer);

    CHECK(error == EPIPE);
  });
}

TEST_CASE(
    "StreamWriter: a large write to a Unix peer that has gone raises, SIGPIPE does not kill "
    "[S-06]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(std::string(4 * kMiB, 'x'));
    const TaskHandle<int> draining = spawn(drain_errno(link.writer));
    co_await settle();
    CHECK_FALSE(draining.done());

    link.peer.reset();  // While the kernel holds the send.
    const int error = co_await draining;

    CHECK((error == EPIPE || error == ECONNRESET));
  });
}

TEST_CASE("StreamWriter: drain() tells of the reset that a read has met [S-05]") {
  run_async_real([]() -> Task<void> {
    Link link(tcp_pair());
    reset(link.peer);
    int error = 0;
    try {
      co_await link.reader.read(100);
    } catch (const std::system_error& thrown) {
      error = thrown.code().value();
    }

    const int drained = co_await drain_errno(link.writer);

    CHECK(error == ECONNRESET);
    CHECK(drained == ECONNRESET);
  });
}

TEST_CASE(
    "StreamWriter: drain() parks while the peer does not read, and the buffer is bounded [S-07]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kBlock = 16384;
    auto sockets = unix_pair();
    shrink_buffers(sockets.first, 65536);
    Link link(std::move(sockets));
    std::size_t written = 0;
    const TaskHandle<void> writing = spawn(write_eagerly(link.writer, kBlock, written));

    co_await settle();
    const std::size_t parked_at = written;
    co_await settle();

    CHECK(written == parked_at);
    const std::size_t on_way = receive_raw(link.peer).size();
    const std::size_t buffered = parked_at - on_way;
    CHECK(buffered > 65536);  // The high-water mark: only above it drain() waits.
    CHECK(buffered <= 65536 + kBlock);
    writing.cancel();
  });
}

TEST_CASE("StreamWriter: drain() parks until the peer has taken all but 16 KiB [S-07]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTotal = 300'000;
    auto sockets = unix_pair();
    shrink_buffers(sockets.first, 4096);
    Link link(std::move(sockets));
    link.writer.write(counter_bytes(0, kTotal));
    const TaskHandle<void> draining = spawn(drain(link.writer));

    std::string received;
    std::size_t held = 0;  // Sent or not, when drain() was last seen waiting.
    while (!draining.done()) {
      held = kTotal - received.size();
      co_await settle();
      if (draining.done()) break;
      received += receive_raw(link.peer, 1000);
    }

    CHECK(held > 16384);           // Not before; what the kernel holds is on top.
    CHECK(held < 16384 + 32'768);  // Nor long after.
    received += receive_raw(link.peer);
    CHECK(is_counter(received, 0));
  });
}

TEST_CASE("StreamWriter: a client that does not read holds up no other one [S-07]") {
  run_async([]() -> Task<void> {
    Link deaf(unix_pair());
    Link link(unix_pair());
    std::size_t written = 0;
    const TaskHandle<void> writing = spawn(write_eagerly(deaf.writer, 65536, written));
    co_await settle();

    int served = 0;
    for (int i = 0; i < 100; ++i) {
      send_raw(link.peer, "ping");
      const std::string_view bytes = co_await link.reader.readexactly(4);
      link.writer.write(bytes);
      std::string answer;
      while (answer.size() < 4) answer += co_await receive_some(link.peer);
      if (answer == "ping") ++served;
    }

    CHECK(served == 100);
    writing.cancel();
  });
}

TEST_CASE("StreamWriter: a TCP peer that does not read is felt long before megabytes [S-07]") {
  run_async_real([]() -> Task<void> {
    auto sockets = tcp_pair();
    shrink_buffers(sockets.second, 4096);
    Link link(std::move(sockets));
    std::size_t written = 0;
    const TaskHandle<void> writing = spawn(write_eagerly(link.writer, 65536, written));

    std::size_t before = 1;
    while (written != before) {  // Until it has stood still for a while.
      before = written;
      co_await sleep(50ms);
    }

    CHECK(written < kMiB);
    writing.cancel();
  });
}

TEST_CASE("StreamWriter: 100 MB written at once arrive intact at a slow reader [S-13]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTotal = 100'000'000;
    Link link(unix_pair());
    const TaskHandle<std::size_t> receiving = spawn(receive_counter(link.peer, 60'001));

    link.writer.write(counter_bytes(0, kTotal));
    co_await link.writer.drain();
    link.writer.write_eof();
    const std::size_t received = co_await receiving;

    CHECK(received == kTotal);
  });
}

TEST_CASE("StreamWriter: 100 MB written in blocks over TCP arrive intact [S-13]") {
  run_async_real([]() -> Task<void> {
    constexpr std::size_t kTotal = 100'000'000;
    Link link(tcp_pair());
    const TaskHandle<void> writing = spawn(write_total(link.writer, 50'000, kTotal));

    const std::size_t received = co_await receive_counter(link.peer, 33'333);

    CHECK(received == kTotal);
    co_await writing;
  });
}

TEST_CASE("StreamWriter: a cancelled drain() loses nothing of what was written [S-11]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(counter_bytes(0, 2 * kMiB));
    const TaskHandle<void> draining = spawn(drain(link.writer));
    co_await settle();

    draining.cancel();
    co_await wait_done(draining);
    link.writer.write(counter_bytes(2 * kMiB, kMiB));
    link.writer.write_eof();
    const std::size_t received = co_await receive_counter(link.peer, 65536);

    CHECK(draining.status() == TaskStatus::kCancelled);
    CHECK(received == 3 * kMiB);
  });
}

TEST_CASE("StreamWriter: two tasks may drain, and both go on [S-14]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    link.writer.write(counter_bytes(0, 2 * kMiB));
    const TaskHandle<void> first = spawn(drain(link.writer));
    const TaskHandle<void> second = spawn(drain(link.writer));
    co_await settle();
    CHECK_FALSE(first.done());
    CHECK_FALSE(second.done());

    link.writer.write_eof();
    const std::size_t received = co_await receive_counter(link.peer, 65536);
    co_await first;
    co_await second;

    CHECK(received == 2 * kMiB);
  });
}

TEST_CASE("StreamWriter: what two tasks write is never mixed within one write() [S-14]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const auto write_blocks = [](StreamWriter& writer, char letter) -> Task<void> {
      for (int i = 0; i < 50; ++i) {
        writer.write(std::string(10'000, letter));
        co_await writer.drain();
      }
    };
    const TaskHandle<void> a = spawn(write_blocks(link.writer, 'a'));
    const TaskHandle<void> b = spawn(write_blocks(link.writer, 'b'));

    int whole = 0;
    std::string received;
    while (received.size() < 1'000'000) received += co_await receive_some(link.peer);
    for (std::size_t at = 0; at < received.size(); at += 10'000)
      if (received.substr(at, 10'000) == std::string(10'000, received[at])) ++whole;

    CHECK(whole == 100);
    co_await a;
    co_await b;
  });
}

TEST_CASE("StreamWriter: one that was moved writes on, and assignment closes the old connection") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    Link other(unix_pair());
    link.writer.write("ab");

    StreamWriter moved(std::move(link.writer));
    other.writer = std::move(moved);
    other.writer.write("cd");
    const std::string bytes = co_await receive_bytes(link.peer, 4);
    const int end = co_await end_of(other.peer);

    CHECK(bytes == "abcd");
    CHECK(end == 0);
  });
}

TEST_CASE("StreamWriter: the addresses are those of the two ends") {
  run_async([]() -> Task<void> {
    Link link(tcp_pair());
    const std::string local = link.writer.local_address().to_string();
    const std::string peer = link.writer.peer_address().to_string();

    CHECK(local == link.peer.peer_address().to_string());
    CHECK(peer == link.peer.local_address().to_string());

    link.writer.close();
    co_await link.writer.wait_closed();
    CHECK(link.writer.peer_address().to_string() == peer);  // Kept, for error messages too.
    CHECK(link.writer.local_address().to_string() == "(none)");
  });
}

}  // namespace
}  // namespace brigade
