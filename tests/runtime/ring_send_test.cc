// Sends that may be told later: who asked learns what became of them all the same.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/ring.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

// Keeps the result it gets.
struct Sending : Operation {
  Sending() noexcept : Operation(&completed) {}

  void send(Ring& ring, const UniqueFd& fd, std::string_view bytes) {
    ring.submit(*this, Request{Request::Kind::kSend, fd.get(), const_cast<char*>(bytes.data()),
                               bytes.size(), Request::kTellLater});
  }
  static void completed(Operation& operation, int result, bool more) noexcept {
    auto& self = static_cast<Sending&>(operation);
    check(!more, "a send has one result");
    ++self.told;
    self.result = result;
  }

  int told = 0;
  int result = 0;
};

struct Sockets {
  Sockets() {
    int ends[2] = {-1, -1};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair() failed");
    ours = UniqueFd(ends[0]);
    peer = UniqueFd(ends[1]);
  }

  // Until it takes nothing more; so many bytes.
  std::size_t fill() const {
    const std::string some(1000, 'f');
    std::size_t filled = 0;
    for (;;) {
      const ssize_t sent = ::send(ours.get(), some.data(), some.size(), MSG_DONTWAIT);
      if (sent < 0) return filled;
      filled += static_cast<std::size_t>(sent);
    }
  }

  std::string received() const {
    std::string all;
    std::string part(65536, '\0');
    for (;;) {
      const ssize_t got = ::recv(peer.get(), part.data(), part.size(), MSG_DONTWAIT);
      if (got <= 0) return all;
      all.append(part, 0, static_cast<std::size_t>(got));
    }
  }

  UniqueFd ours;
  UniqueFd peer;
};

struct Ignored : Operation {
  Ignored() noexcept : Operation([](Operation&, int, bool) noexcept {}) {}
};

Request poll_in(const Pipe& pipe) {
  return {Request::Kind::kPoll, pipe.reader.get(), nullptr, 0, POLLIN};
}

TEST_CASE("Ring: a wait for nothing but sends that may be told later does not sleep") {
  const Sockets sockets;
  Sending sending;
  Ring ring(8);

  sending.send(ring, sockets.ours, "brigade");
  CHECK(ring.may_complete() == 0);
  ring.wait(std::nullopt);  // For ever, if it did.

  CHECK(sending.told == 1);
  CHECK(sockets.received() == "brigade");
}

TEST_CASE("Ring: a send that may be told later goes at once, and does not end a wait") {
  const Sockets sockets;
  const Pipe quiet;
  Ignored polled;
  Sending sending;
  Ring ring(8);
  const auto start = std::chrono::steady_clock::now();

  ring.submit(polled, poll_in(quiet));
  sending.send(ring, sockets.ours, "brigade");
  CHECK(sending.in_flight());
  CHECK(ring.in_flight() == 2);
  CHECK(ring.may_complete() == 1);
  CHECK(ring.operations().size() == 2);
  ring.wait(Nanoseconds(2ms));

  CHECK(std::chrono::steady_clock::now() - start >= 2ms);
  CHECK(sending.told == 1);
  CHECK(sending.result == 7);
  CHECK(ring.busy());
  CHECK(ring.in_flight() == 1);
  ring.cancel_all();
  ring.wait(Nanoseconds(1s));
  CHECK(sockets.received() == "brigade");
}

TEST_CASE("Ring: a send that the socket takes nothing of waits until it does [S-07]") {
  const Sockets sockets;
  const std::size_t filled = sockets.fill();
  Sending sending;
  Ring ring(8);

  sending.send(ring, sockets.ours, "brigade");
  for (int i = 0; i < 3; ++i) ring.poll();
  CHECK(sending.told == 0);
  CHECK(ring.may_complete() == 1);
  const std::string first = sockets.received();
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  CHECK(sending.told == 1);
  CHECK(sending.result == 7);
  CHECK(ring.may_complete() == 0);
  CHECK(first.size() == filled);
  CHECK(sockets.received() == "brigade");
}

TEST_CASE("Ring: a send that goes in part is told with its count [S-07]") {
  const Sockets sockets;
  const std::string bytes(std::size_t{4} << 20, 'x');
  Sending sending;
  Ring ring(8);

  sending.send(ring, sockets.ours, bytes);
  ring.wait(std::nullopt);

  CHECK(sending.told == 1);
  CHECK(sending.result > 0);
  CHECK(static_cast<std::size_t>(sending.result) < bytes.size());
  CHECK(sockets.received().size() == static_cast<std::size_t>(sending.result));
}

TEST_CASE("Ring: a send that fails is told with its error, and ends a wait [E-07]") {
  Sockets sockets;
  sockets.peer.reset();
  const UniqueFd nothing;
  Sending broken;
  Sending nowhere;
  Ring ring(8);

  broken.send(ring, sockets.ours, "brigade");
  nowhere.send(ring, nothing, "brigade");
  ring.wait(std::nullopt);

  CHECK(broken.told == 1);
  CHECK(broken.result == -EPIPE);
  CHECK(nowhere.told == 1);
  CHECK(nowhere.result == -EBADF);
  CHECK(ring.may_complete() == 0);
}

TEST_CASE("Ring: a cancelled send that may be told later goes, or never does [T-03]") {
  const Sockets taking;
  const Sockets full;
  const Sockets seen_full;
  const std::size_t filled = full.fill();
  CHECK(seen_full.fill() == filled);
  Sending goes;
  Sending blocked;
  Sending known_blocked;
  Ring ring(8);
  known_blocked.send(ring, seen_full.ours, "late");
  for (int i = 0; i < 2; ++i) ring.poll();

  goes.send(ring, taking.ours, "early");
  blocked.send(ring, full.ours, "late");
  for (Sending* sending : {&goes, &blocked, &known_blocked}) ring.cancel(*sending);
  while (ring.in_flight() > 0) ring.wait(Nanoseconds(1ms));
  for (int i = 0; i < 3; ++i) ring.poll();

  CHECK(goes.result == 5);
  CHECK(taking.received() == "early");
  for (const Sending* sending : {&blocked, &known_blocked}) {
    CHECK(sending->told == 1);
    CHECK(sending->result == -ECANCELED);
  }
  CHECK(full.received().size() == filled);
  CHECK(seen_full.received().size() == filled);
  CHECK(ring.may_complete() == 0);
}

TEST_CASE("Ring: cancel_all ends sends that may be told later") {
  const Sockets taking;
  const Sockets full;
  full.fill();
  Sending goes;
  Sending blocked;
  Ring ring(8);

  goes.send(ring, taking.ours, "early");
  blocked.send(ring, full.ours, "late");
  for (int rounds = 0; ring.in_flight() > 0; ++rounds) {
    REQUIRE(rounds < 10);
    ring.cancel_all();
    ring.wait(Nanoseconds(1ms));
  }

  CHECK(goes.result == 5);
  CHECK(blocked.result == -ECANCELED);
}

TEST_CASE("Ring: before Linux 6.1 each send is told by its own completion [E-03]") {
  const ChildEnd end = run_in_child([] {
    forbid_ring_flags(IORING_SETUP_DEFER_TASKRUN);
    const Sockets sockets;
    Sending sending;
    Ring ring(8);

    sending.send(ring, sockets.ours, "brigade");
    check(ring.may_complete() == 1, "it is not waited for");
    while (ring.in_flight() > 0) ring.wait(std::nullopt);

    check(sending.told == 1 && sending.result == 7, "not told");
    check(sockets.received() == "brigade", "not sent");
  });

  INFO(end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("Ring: with two entries a hundred sends that may be told later all go [E-06]") {
  std::deque<Sockets> sockets(100);
  std::deque<Sending> sendings(100);
  for (std::size_t i = 2; i < 100; i += 10) sockets[i].peer.reset();
  for (std::size_t i = 3; i < 100; i += 10) sockets[i].fill();
  Ring ring(2);

  for (std::size_t i = 0; i < 100; ++i) sendings[i].send(ring, sockets[i].ours, "brigade");
  CHECK(ring.in_flight() == 100);
  CHECK(ring.may_complete() == 0);
  for (int i = 0; i < 3; ++i) ring.poll();
  CHECK(ring.in_flight() == 10);
  for (std::size_t i = 3; i < 100; i += 10) sockets[i].received();
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(sendings[i].told == 1);
    CHECK(sendings[i].result == (i % 10 == 2 ? -EPIPE : 7));
    if (i % 10 != 2) CHECK(sockets[i].received() == "brigade");
  }
}

TEST_CASE("Ring: sends the kernel has no room for go later, or are cancelled at once [E-06]") {
  const ChildEnd end = run_in_child([] {
    std::deque<Sockets> sockets(20);
    std::deque<Sending> sendings(20);
    Ring ring(2);
    refuse_mere_submits();

    for (std::size_t i = 0; i < 20; ++i) sendings[i].send(ring, sockets[i].ours, "brigade");
    ring.cancel(sendings[19]);
    check(sendings[19].told == 1 && sendings[19].result == -ECANCELED, "not cancelled at once");
    check(ring.in_flight() == 19 && ring.may_complete() == 0, "something was dropped");
    for (int rounds = 0; ring.in_flight() > 0; ++rounds) {
      check(rounds < 100, "something was forgotten");
      ring.wait(Nanoseconds(1ms));
    }

    check(sockets[19].received() == "", "sent although cancelled");
    for (std::size_t i = 0; i < 19; ++i) {
      check(sendings[i].told == 1 && sendings[i].result == 7, "not told");
      check(sockets[i].received() == "brigade", "not sent");
    }
  });

  CHECK(end.errors == "");
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("Ring: a send that the kernel has not taken from the queue is not told") {
  const ChildEnd end = run_in_child([] {
    const Sockets sockets;
    Sending sending;
    auto& ring = *new Ring(8);  // Never idle again.
    refuse_submits();

    sending.send(ring, sockets.ours, "brigade");
    for (int i = 0; i < 3; ++i) ring.poll();

    check(sending.told == 0 && sending.in_flight(), "told although it is not sent");
    check(sockets.received() == "", "sent");
    ::_exit(0);
  });

  CHECK(end.errors == "");
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("Ring: failures that the completion queue has no room for are no successes [E-05]") {
  const Pipe pipe;
  pipe.write_byte();
  const Sockets taking;
  Sockets broken;
  broken.peer.reset();
  Ring ring(2);
  const std::size_t completions = ring.capabilities().completion_entries;

  for (const bool full_before : {false, true}) {
    std::deque<Ignored> polls(full_before ? completions : 0);
    std::deque<Sending> sendings(full_before ? 1000 : completions + 1000);
    for (Ignored& poll : polls) ring.submit(poll, poll_in(pipe));  // Done when the kernel sees it.
    for (std::size_t i = 0; i < sendings.size(); ++i)
      sendings[i].send(ring, i % 10 == 0 ? taking.ours : broken.ours, "x");
    std::size_t received = 0;
    for (int rounds = 0; ring.in_flight() > 0; ++rounds) {
      REQUIRE(rounds < 10);
      ring.wait(Nanoseconds(1ms));
      received += taking.received().size();
    }

    for (std::size_t i = 0; i < sendings.size(); ++i) {
      REQUIRE(sendings[i].told == 1);
      REQUIRE(sendings[i].result == (i % 10 == 0 ? 1 : -EPIPE));
    }
    CHECK(received == (sendings.size() + 9) / 10);
  }
}

// Sends again from within its completion, so many times.
struct Repeating : Operation {
  Repeating(Ring& r, const UniqueFd& f, int n) noexcept
      : Operation(&completed), ring(r), fd(f), left(n) {}
  void send() noexcept {
    ring.submit(*this, Request{Request::Kind::kSend, fd.get(), &byte, 1, Request::kTellLater});
  }
  static void completed(Operation& operation, int result, bool) noexcept {
    auto& self = static_cast<Repeating&>(operation);
    check(result == 1, "not sent");
    if (--self.left > 0) self.send();
  }

  Ring& ring;
  const UniqueFd& fd;
  char byte = 'x';
  int left;
};

TEST_CASE("Ring: a send that is asked for while another is told is told by the next look") {
  const Sockets sockets;
  Ring ring(2);
  std::deque<Repeating> all;
  for (int i = 0; i < 5; ++i) all.emplace_back(ring, sockets.ours, 10).send();

  int looks = 0;
  for (; ring.in_flight() > 0; ++looks) ring.poll();

  CHECK(looks == 10);
  CHECK(sockets.received() == std::string(50, 'x'));
}

}  // namespace
}  // namespace brigade
