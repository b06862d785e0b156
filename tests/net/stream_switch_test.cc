// Connections whose pieces are now short and now long: where receives can share buffers they change
// between these and one of their own.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr std::size_t kMiB = 1 << 20;

Task<void> read_one(StreamReader& reader) { co_await reader.read(1); }

// A receive that nobody waits for.
Task<void> leave_receiving(StreamReader& reader) {
  const TaskHandle<void> reading = spawn(read_one(reader));
  co_await settle();
  reading.cancel();
  co_await wait_done(reading);
}

// Enough short pieces, each read as it comes, for a receive that shares buffers.
Task<void> pass_short_pieces(Link& link, std::size_t& sent, std::size_t& got) {
  for (int i = 0; i < 10; ++i) {
    send_raw(link.peer, counter_bytes(sent, 10));
    sent += 10;
    const std::string_view bytes = co_await link.reader.readexactly(sent - got);
    CHECK(is_counter(bytes, got));
    got = sent;
  }
}

TEST_CASE("StreamReader: a view holds while piece after piece comes, short and long ones") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::size_t sent = 0;
    std::size_t got = 0;
    for (const std::size_t kept : {0, 1, 600, 3000, 0, 1, 600, 3000}) {
      co_await pass_short_pieces(link, sent, got);
      co_await leave_receiving(link.reader);
      send_raw(link.peer, counter_bytes(sent, 100 + kept));
      sent += 100 + kept;
      co_await settle();

      const std::string_view view = co_await link.reader.read(100);
      for (const std::size_t size : {1, 10, 500, 700, 1500, 30, 2500, 30'000}) {
        send_raw(link.peer, counter_bytes(sent, size));
        sent += size;
        co_await settle();
        CHECK(is_counter(view, got));
      }
      got += view.size();
      const std::string_view rest = co_await link.reader.readexactly(sent - got);

      CHECK(is_counter(rest, got));
      got = sent;
    }
  });
}

TEST_CASE("StreamReader: view after view holds while more short pieces come than fit behind it") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    std::size_t sent = 0;
    std::size_t got = 0;
    for (int round = 0; round < 5; ++round) {
      co_await leave_receiving(link.reader);
      send_raw(link.peer, counter_bytes(sent, 20));
      sent += 20;
      co_await settle();

      const std::string_view view = co_await link.reader.read(10);
      for (const std::size_t size : {300, 500, 700}) {
        send_raw(link.peer, counter_bytes(sent, size));
        sent += size;
        co_await settle();
        CHECK(is_counter(view, got));
      }
      const std::string_view rest = co_await link.reader.readexactly(sent - got - 10);

      CHECK(is_counter(rest, got + 10));
      got = sent;
    }
  });
}

TEST_CASE("StreamReader: views hold until the next read, whatever is read and comes") {
  run_async([]() -> Task<void> {
    std::mt19937 random = seeded_random();
    Link link(unix_pair());
    std::size_t sent = 0;
    std::size_t got = 0;
    bool intact = true;

    for (int i = 0; i < 500; ++i) {
      if (sent == got) {
        if (random() % 2 == 0) co_await pass_short_pieces(link, sent, got);
        if (random() % 2 == 0) co_await leave_receiving(link.reader);
        send_raw(link.peer, counter_bytes(sent, 100));
        sent += 100;
      }
      const std::string_view view = co_await link.reader.read(1 + random() % 5000);
      for (std::size_t pieces = random() % 4; pieces > 0 && sent - got < 100'000; --pieces) {
        const std::size_t size = 1 + random() % (random() % 5 == 0 ? 10'000 : 400);
        send_raw(link.peer, counter_bytes(sent, size));
        sent += size;
        if (random() % 2 == 0) co_await settle();
      }
      intact = intact && is_counter(view, got);
      got += view.size();
    }

    CHECK(intact);
  });
}

// Short pieces, long ones, short ones again and so on, without a pause; then the end.
Task<void> send_phases(const Socket& peer, std::size_t& sent) {
  std::mt19937 random = seeded_random();
  for (int phase = 0; phase < 8; ++phase) {
    for (int i = 0; i < 30; ++i) {
      const std::size_t size = phase % 2 == 0 ? 1 + random() % 100 : 1 + random() % 60'000;
      co_await send_all(peer, counter_bytes(sent, size));
      sent += size;
      if (random() % 3 > 0) co_await turns(static_cast<int>(random() % 3));
    }
  }
  end_writing(peer);
}

Task<void> read_phases(SocketPair sockets, std::size_t at_most) {
  Link link(std::move(sockets));
  std::size_t sent = 0;
  const TaskHandle<void> sending = spawn(send_phases(link.peer, sent));

  std::size_t got = 0;
  bool intact = true;
  for (;;) {
    const std::string_view bytes = co_await link.reader.read(at_most);
    if (bytes.empty()) break;
    intact = intact && is_counter(bytes, got);
    got += bytes.size();
  }
  co_await sending;

  CHECK(intact);
  CHECK(got == sent);
}

TEST_CASE("StreamReader: from short pieces to long ones and back no byte is lost [S-10]") {
  run_async_real([]() -> Task<void> {
    for (const std::size_t at_most : {50, 3000, 100'000}) {
      co_await read_phases(unix_pair(), at_most);
      co_await read_phases(tcp_pair(), at_most);
    }
  });
}

TEST_CASE("StreamReader: the end comes behind the last byte, of whatever length [S-03]") {
  run_async([]() -> Task<void> {
    for (const std::size_t size : {1, 2047, 2048, 2049, 4096, 65'536, 100'000}) {
      Link link(unix_pair());
      co_await leave_receiving(link.reader);

      send_raw(link.peer, counter_bytes(0, size));
      end_writing(link.peer);
      const std::string bytes(co_await link.reader.readexactly(size));
      const std::string_view end = co_await link.reader.read(1);

      CHECK(is_counter(bytes, 0));
      CHECK(end.empty());
      CHECK(link.reader.at_eof());
    }
  });
}

Task<void> send_for_ever(const Socket& peer, std::size_t block, std::size_t& sent) {
  while (sent < 8 * kMiB) {
    co_await send_all(peer, counter_bytes(sent, block));
    sent += block;
  }
  end_writing(peer);
}

Task<void> check_backlog(std::size_t block) {
  Link link(unix_pair());
  co_await leave_receiving(link.reader);
  std::size_t sent = 0;
  const TaskHandle<void> sending = spawn(send_for_ever(link.peer, block, sent));
  for (std::size_t before = 1; before != sent;) {
    before = sent;
    co_await settle();
  }

  CHECK(sent < 2 * kMiB);  // What we and the kernel hold together.
  std::size_t got = 0;
  bool intact = true;
  for (;;) {
    const std::string_view bytes = co_await link.reader.read(10'000);
    if (bytes.empty()) break;
    intact = intact && is_counter(bytes, got);
    got += bytes.size();
  }
  CHECK(intact);
  CHECK(got == sent);
  CHECK(got >= 8 * kMiB);
}

TEST_CASE("StreamReader: what comes while nobody reads has a bound, and goes on later [S-07]") {
  run_async([]() -> Task<void> {
    co_await check_backlog(1000);
    co_await check_backlog(60'000);
  });
}

Task<void> read_exactly(StreamReader& reader, std::size_t count, bool& intact) {
  const std::string_view bytes = co_await reader.readexactly(count);
  intact = is_counter(bytes, 0);
}

// Forty readers, for whom more comes at once than the ring's buffers hold: while they wait, or
// before they do.
Task<void> flood_readers(bool waiting) {
  constexpr std::size_t kSent = 100'000;
  std::deque<Link> links;
  std::deque<bool> intact(40);
  std::vector<TaskHandle<void>> reading;
  for (std::size_t i = 0; i < intact.size(); ++i) links.emplace_back(unix_pair());
  const auto send_to_all = [&] {
    for (Link& link : links) send_raw(link.peer, counter_bytes(0, kSent));
  };

  if (!waiting) send_to_all();
  for (std::size_t i = 0; i < intact.size(); ++i)
    reading.push_back(spawn(read_exactly(links[i].reader, kSent, intact[i])));
  co_await settle();
  if (waiting) send_to_all();
  for (const TaskHandle<void>& read : reading) co_await read;

  CHECK(std::ranges::count(intact, true) == 40);
  for (int round = 0; round < 20; ++round) {
    for (Link& link : links) send_raw(link.peer, "ping");
    for (Link& link : links) {
      const std::string_view bytes = co_await link.reader.readexactly(4);
      CHECK(bytes == "ping");
    }
  }
}

TEST_CASE("Streams: more than the ring's buffers hold arrives, and all goes on [S-30]") {
  run_async([]() -> Task<void> {
    co_await flood_readers(true);
    co_await flood_readers(false);
  });
}

// What a read of this link asks of the kernel.
Task<std::optional<Request>> waiting_receive(Link& link) {
  const TaskHandle<void> reading = spawn(read_one(link.reader));
  co_await settle();
  std::optional<Request> found;
  for (const Request& request : Loop::current().operations()) {
    const bool receives =
        request.kind == Request::Kind::kReceive || request.kind == Request::Kind::kReceiveMultishot;
    if (receives) found = request;
  }
  send_raw(link.peer, "x");
  co_await reading;
  co_return found;
}

TEST_CASE("StreamReader: one that waits for short pieces has no buffer for them [E-03]") {
  LoopOptions options;
  options.backend = BackendKind::kIoUring;
  run_async(
      []() -> Task<void> {
        Link link(unix_pair());
        const bool shares = Loop::current().capabilities().multishot_receive;
        const auto expected = shares ? Request::Kind::kReceiveMultishot : Request::Kind::kReceive;
        for (int round = 0; round < 3; ++round) {
          for (int i = 0; i < 10; ++i) {
            const std::optional<Request> receive = co_await waiting_receive(link);
            REQUIRE(receive);
            if (i == 0 && round > 0) CHECK(receive->kind == Request::Kind::kReceive);
            if (i == 9) CHECK(receive->kind == expected);
          }

          const TaskHandle<void> sending = spawn(send_all(link.peer, counter_bytes(0, 50'000)));
          const std::string_view bytes = co_await link.reader.readexactly(50'000);
          CHECK(is_counter(bytes, 0));
          co_await sending;
        }
      },
      options);
}

}  // namespace
}  // namespace brigade
