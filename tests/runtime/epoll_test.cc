#include "brigade/runtime/epoll.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/runtime/check.h"
#include "brigade/runtime/unique_fd.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

// Keeps the result it gets.
struct Noted : Operation {
  Noted() noexcept : Operation(&completed) {}
  static void completed(Operation& operation, int result, bool) noexcept {
    static_cast<Noted&>(operation).result = result;
  }

  int result = 0;
};

void cancel_all(Epoll& epoll) {
  epoll.cancel_all();
  epoll.poll();
}

TEST_CASE("Epoll: an event of a closed socket that is open elsewhere is not of its number's next") {
  const Socket listener = listen_at(loopback(), 0);
  const SocketAddress full = listener.local_address();
  const std::vector<Socket> clients = fill_backlog(full);
  for (const Request::Kind kind : {Request::Kind::kReceive, Request::Kind::kPoll}) {
    auto [ours, peer] = tcp_pair();
    const int number = ours.get();
    Socket fresh;
    REQUIRE(fresh.open(AF_INET) >= 0);
    char byte;
    Noted first;
    Noted connecting;
    Epoll epoll;
    if (kind != Request::Kind::kPoll) epoll.attach(number);
    epoll.submit(first, Request{kind, number, &byte, 1, POLLIN});
    epoll.poll();
    cancel_all(epoll);
    const UniqueFd elsewhere(::fcntl(number, F_DUPFD_CLOEXEC, 0));
    ours.reset();
    const UniqueFd next(::fcntl(fresh.get(), F_DUPFD_CLOEXEC, number));
    REQUIRE(next.get() == number);

    epoll.attach(number);
    epoll.submit(connecting, Request{Request::Kind::kConnect, number,
                                     const_cast<sockaddr*>(full.data()), full.size(), 0});
    reset(peer);
    int looks = 0;
    const auto end = std::chrono::steady_clock::now() + 20ms;
    for (; std::chrono::steady_clock::now() < end; ++looks) epoll.wait(20ms);

    CHECK(looks < 10);
    CHECK(connecting.in_flight());
    cancel_all(epoll);
  }
}

TEST_CASE("Epoll: what came behind urgent data is received") {
  const auto [ours, peer] = tcp_pair();
  std::string bytes(64, '\0');
  Noted receiving;
  Epoll epoll;
  epoll.attach(ours.get());
  send_raw(peer, "abc");
  REQUIRE(::send(peer.get(), "D", 1, MSG_OOB) == 1);
  send_raw(peer, "efg");

  for (const std::string_view part : {"abc", "efg"}) {
    epoll.submit(receiving,
                 Request{Request::Kind::kReceive, ours.get(), bytes.data(), bytes.size(), 0});
    for (int i = 0; i < 10 && receiving.in_flight(); ++i) epoll.wait(100ms);
    cancel_all(epoll);  // If it is not told.

    CHECK(receiving.result == 3);
    CHECK(bytes.starts_with(part));
  }
}

TEST_CASE("Epoll: where epoll_pwait2 is refused epoll_wait serves, and it is not asked again") {
  for (const unsigned error : {ENOSYS, EPERM, EACCES}) {
    static unsigned refused;
    refused = error;
    const ChildEnd end = run_in_child([] {
      Epoll epoll;
      forbid_epoll_pwait2(refused);
      const auto begin = std::chrono::steady_clock::now();
      epoll.wait(1500us);
      check(std::chrono::steady_clock::now() - begin >= 1500us, "it sleeps, and not too short");
      forbid_epoll_pwait2(EINVAL);  // Which is no refusal.
      epoll.poll();
    });

    CHECK(end.errors == "");
    CHECK(end.signal == 0);
  }
}

}  // namespace
}  // namespace brigade
