// Receives that share a ring of buffers, by Ring itself: what an operation is told, byte by byte.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/ring.h"
#include "brigade/runtime/unique_fd.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr std::size_t kAll = std::size_t{1} << 20;                // bytes, of all buffers together
constexpr std::size_t kIncrementalBuffer = std::size_t{1} << 16;  // bytes, of one

// A connection of ours and its peer. The bytes of two connections differ: they are streams of
// counters that start at different places.
struct Channel : Operation {
  explicit Channel(std::size_t number) : Operation(&completed), start(number * 251) {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    ours = UniqueFd(ends[0]);
    peer = UniqueFd(ends[1]);
  }

  void receive(Ring& ring) {
    ring.submit(*this, Request{Request::Kind::kReceiveMultishot, ours.get()});
  }

  // What the socket takes of that.
  std::size_t send(std::size_t count) {
    const std::string bytes = counter_bytes(start + sent, count);
    const ssize_t result = ::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (result > 0) sent += static_cast<std::size_t>(result);
    return static_cast<std::size_t>(std::max<ssize_t>(result, 0));
  }

  // No more comes.
  bool over() const noexcept { return end == 0 || end == -ECONNRESET; }

  static void completed(Operation& operation, int result, bool more) noexcept {
    auto& self = static_cast<Channel&>(operation);
    if (!more) self.end = result;
    if (result <= 0) return;
    const auto count = static_cast<std::size_t>(result);
    self.intact =
        self.intact && is_counter({self.Operation::received(), count}, self.start + self.got);
    self.got += count;
    ++self.pieces;
  }

  const std::size_t start;
  UniqueFd ours;
  UniqueFd peer;
  std::size_t sent = 0;
  std::size_t got = 0;
  int pieces = 0;
  int end = 1;  // the last result of a receive, if one has ended
  bool intact = true;
};

std::deque<Channel> channels(std::size_t count) {
  std::deque<Channel> all;
  for (std::size_t i = 0; i < count; ++i) all.emplace_back(i);
  return all;
}

// All that has come: one look brings the news of some twenty connections.
void look_at_all(Ring& ring) {
  do ring.poll();
  while (ring.busy());
}

void end_all(Ring& ring) {
  ring.cancel_all();
  while (ring.in_flight() > 0) ring.wait(std::nullopt);
}

// How much comes by one look of what was sent before it: all that the kernel has buffers for.
std::size_t delivered_in_one_go(Ring& ring) {
  std::deque<Channel> flood = channels(40);
  for (Channel& channel : flood) {
    while (channel.sent < kAll / 20) REQUIRE(channel.send(4096) == 4096);
    channel.receive(ring);
  }
  ring.poll();

  std::size_t got = 0;
  for (const Channel& channel : flood) {
    CHECK(channel.intact);
    got += channel.got;
  }
  end_all(ring);
  return got;
}

// An incremental buffer may be partly used, and is the kernel's again when it is full.
std::size_t least_at_rest(const Ring& ring) {
  return ring.capabilities().incremental_buffers ? kAll - kIncrementalBuffer + 1 : kAll;
}

bool missing(const Ring& ring) {
  if (ring.capabilities().multishot_receive) return false;
  MESSAGE("not shown: this kernel has no receives that share buffers");
  return true;
}

TEST_CASE("BufferRing: all of it is there from the start, and again after it was used [S-31]") {
  Ring ring(8);
  if (missing(ring)) return;

  for (int i = 0; i < 20; ++i) CHECK(delivered_in_one_go(ring) >= least_at_rest(ring));
}

TEST_CASE("BufferRing: more than it holds comes by and by, by few looks, byte by byte [S-30]") {
  constexpr std::size_t kSent = 16'384;
  Ring ring(8);
  if (missing(ring)) return;
  std::deque<Channel> all = channels(100);
  for (Channel& channel : all) {
    REQUIRE(channel.send(kSent) == kSent);
    channel.receive(ring);
  }

  int shortages = 0;
  int looks = 0;
  const auto whole = [](const Channel& channel) { return channel.got == kSent; };
  while (!std::ranges::all_of(all, whole)) {
    REQUIRE(++looks <= 10);
    ring.poll();
    for (Channel& channel : all) {
      if (channel.in_flight()) continue;
      ++shortages;
      CHECK(channel.end == -ENOBUFS);
      channel.receive(ring);
    }
  }
  CHECK(shortages > 0);

  for (int i = 0; i < 3; ++i) {  // What fits comes without a shortage.
    for (Channel& channel : all) REQUIRE(channel.send(8192) == 8192);
    look_at_all(ring);
  }
  for (const Channel& channel : all) {
    CHECK(channel.in_flight());
    CHECK(channel.got == kSent + 3 * 8192);
    CHECK(channel.intact);
  }
  end_all(ring);
}

TEST_CASE("BufferRing: connections that wait for buffers nobody gives back do not spin [S-30]") {
  Ring ring(8);
  if (missing(ring)) return;
  std::deque<Channel> all = channels(100);
  for (Channel& channel : all) {
    REQUIRE(channel.send(16'384) == 16'384);
    channel.receive(ring);
  }
  look_at_all(ring);
  const auto told = [&] {
    int pieces = 0;
    for (const Channel& channel : all) pieces += channel.pieces;
    return pieces;
  };
  const int before = told();

  for (int i = 0; i < 100; ++i) ring.poll();

  CHECK(told() == before);  // A receive that ended for want of a buffer does not begin by itself.
  CHECK_FALSE(ring.busy());
  end_all(ring);
}

TEST_CASE("BufferRing: pieces that end at the end of a buffer go on in the next one [S-31]") {
  Ring ring(8);
  if (missing(ring)) return;
  std::deque<Channel> all = channels(3);
  for (Channel& channel : all) channel.receive(ring);

  for (std::size_t size : {1, 63, 4095, 4096, 4097, 5000, 20'000, 65'535, 65'536, 65'537}) {
    for (int i = 0; i < 20; ++i) {
      for (Channel& channel : all) REQUIRE(channel.send(size) == size);
      ring.poll();
    }
  }

  for (const Channel& channel : all) {
    CHECK(channel.in_flight());
    CHECK(channel.got == channel.sent);
    CHECK(channel.intact);
  }
  end_all(ring);
  CHECK(delivered_in_one_go(ring) >= least_at_rest(ring));
}

TEST_CASE("BufferRing: with a full completion queue a receive may end; no byte is lost [E-05]") {
  Ring ring(8);
  if (missing(ring)) return;
  const Pipe pipe;
  pipe.write_byte();
  struct Ignored : Operation {
    Ignored() noexcept : Operation([](Operation&, int, bool) noexcept {}) {}
  };
  std::deque<Ignored> polls(ring.capabilities().completion_entries + 10);
  std::deque<Channel> all = channels(50);
  for (Channel& channel : all) {
    channel.receive(ring);
    ring.poll();
    REQUIRE(channel.send(8000) == 8000);
  }

  for (Ignored& poll : polls)
    ring.submit(poll, Request{Request::Kind::kPoll, pipe.reader.get(), nullptr, 0, POLLIN});
  ring.poll();
  int ended = 0;
  for (Channel& channel : all) {
    ended += channel.in_flight() ? 0 : 1;
    REQUIRE(channel.send(8000) == 8000);
    if (!channel.in_flight()) channel.receive(ring);
  }
  look_at_all(ring);

  CHECK(ended > 0);
  for (const Channel& channel : all) {
    CHECK(channel.got == 16'000);
    CHECK(channel.intact);
  }
  end_all(ring);
  CHECK(delivered_in_one_go(ring) >= least_at_rest(ring));
}

// Lets something happen to it.
void disturb(Ring& ring, Channel& channel, std::mt19937& random) {
  switch (random() % 10) {
    case 0:
      ring.cancel(channel);
      break;
    case 1:
      if (random() % 8 == 0) ::shutdown(channel.peer.get(), SHUT_WR);
      break;
    case 2:
      if (random() % 8 == 0) {  // Reset, as it closes with something unread.
        CHECK(::send(channel.ours.get(), "x", 1, MSG_NOSIGNAL) <= 1);
        channel.peer.reset();
      }
      break;
    default:
      channel.send(1 + random() % (random() % 4 == 0 ? 60'000 : 300));
  }
}

TEST_CASE("BufferRing: data, errors, cancels and ends give each buffer back once [S-31]") {
  Ring ring(8);
  if (missing(ring)) return;
  std::mt19937 random = seeded_random();
  std::deque<Channel> all;
  std::vector<Channel*> open;
  std::map<int, int> ends;  // how often, by result

  for (int step = 0; step < 20'000; ++step) {
    if (open.size() < 60) {
      open.push_back(&all.emplace_back(all.size()));
      open.back()->receive(ring);
    }
    disturb(ring, *open[random() % open.size()], random);
    if (random() % 200 == 0) ring.poll();
    std::erase_if(open, [&](Channel* channel) {
      if (channel->in_flight()) return false;
      ++ends[channel->end];
      if (!channel->over()) channel->receive(ring);
      return channel->over();
    });
  }
  do {
    ring.poll();
    for (Channel* channel : open)
      if (!channel->in_flight() && !channel->over()) channel->receive(ring);
  } while (ring.busy());

  for (const Channel& channel : all) {
    CHECK(channel.got == channel.sent);
    CHECK(channel.intact);
  }
  for (const int end : {0, -ECONNRESET, -ECANCELED, -ENOBUFS}) CHECK(ends[end] > 0);
  end_all(ring);
  CHECK(delivered_in_one_go(ring) >= least_at_rest(ring));
}

}  // namespace
}  // namespace brigade
