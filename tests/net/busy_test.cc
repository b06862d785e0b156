// A loop with nothing to do must not spin. What counts is how often it asks the kernel: a machine
// that is slow does not make it more.
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/net/server.h"
#include "brigade/runtime/check.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/counting_backend.h"
#include "brigade/tests/support/forwarding_backend.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr auto kWhile = 30ms;  // One that spins asks thousands of times.
constexpr std::size_t kFew = 10;

void run_on_both_clocks(AsyncBody body) {
  for (const ClockKind clock : {ClockKind::kReal, ClockKind::kVirtual})
    run_async_real(body, counting(clock));
}

// How often the loop asks the kernel while nothing happens. What is under way when it is called
// comes first, on a slow machine in the second while or the third; one that spins goes on.
Task<std::size_t> looks_while_idle() {
  std::size_t looks = kFew + 1;
  for (int whiles = 0; whiles < 20 && looks > kFew; ++whiles) {
    const std::size_t before = asked.looks;
    co_await sleep(kWhile);
    looks = asked.looks - before;
  }
  co_return looks;
}

Task<void> wait_read(int fd) { co_await wait_readable(fd); }

Task<void> read_forever(StreamReader& reader) { co_await reader.read(100); }

TEST_CASE("Loop: idle, with everything waiting that can wait, it does not spin") {
  run_on_both_clocks([]() -> Task<void> {
    const Pipe pipe;
    const Server server = co_await start_server(&echo, "127.0.0.1", 0);
    const Socket client = connect_to(server.addresses()[0]);
    const bool echoed = co_await is_echoed(client);
    Link link(unix_pair());
    const TaskHandle<void> polling = spawn(wait_read(pipe.reader.get()));
    const TaskHandle<void> reading = spawn(read_forever(link.reader));

    const std::size_t idle = co_await looks_while_idle();
    polling.cancel();
    reading.cancel();
    co_await wait_done(polling);
    co_await wait_done(reading);
    const std::size_t idle_after = co_await looks_while_idle();

    CHECK(echoed);
    CHECK(idle <= kFew);
    CHECK(idle_after <= kFew);
  });
}

TEST_CASE("Streams: a connection that its peer has half closed does not make the loop spin") {
  for (SocketPair (*const connect)(Loop*) : {&unix_pair, &tcp_pair}) {
    static SocketPair (*connect_link)(Loop*);
    connect_link = connect;
    run_on_both_clocks([]() -> Task<void> {
      Link unread(connect_link(this_loop()));
      Link read(connect_link(this_loop()));
      Link writing(connect_link(this_loop()));
      for (Link* const link : {&unread, &read, &writing}) {
        send_raw(link->peer, "bye");
        end_writing(link->peer);
      }
      const std::string last(co_await read.reader.readexactly(3));
      const std::string_view end = co_await read.reader.read(100);
      writing.writer.write(std::string(10'000'000, 'x'));  // More than its peer's socket takes.

      const std::size_t idle = co_await looks_while_idle();

      CHECK(last == "bye");
      CHECK(end == "");
      CHECK(idle <= kFew);
      writing.writer.abort();
    });
  }
}

TEST_CASE("Streams: a peer that is gone while nobody reads does not make the loop spin") {
  run_on_both_clocks([]() -> Task<void> {
    Link closed(tcp_pair());
    Link broken(tcp_pair());
    closed.peer.reset();
    reset(broken.peer);

    const std::size_t idle = co_await looks_while_idle();

    CHECK(idle <= kFew);
  });
}

TEST_CASE("Streams: receives that ended for want of a buffer do not make the loop spin [S-30]") {
  run_on_both_clocks([]() -> Task<void> {
    constexpr std::size_t kSent = 100'000;  // From each; together more than the ring has room for.
    std::deque<Link> links;
    std::vector<TaskHandle<void>> reading;
    for (int i = 0; i < 40; ++i) {
      links.emplace_back(unix_pair());
      reading.push_back(spawn(read_forever(links.back().reader)));
    }
    co_await settle();
    for (const TaskHandle<void>& read : reading) {
      read.cancel();  // The receive goes on, but nobody takes what it brings.
      co_await wait_done(read);
    }

    for (Link& link : links) send_raw(link.peer, counter_bytes(0, kSent));
    co_await settle();
    const std::size_t idle = co_await looks_while_idle();

    CHECK(idle <= kFew);
    for (Link& link : links) {
      const std::string_view bytes = co_await link.reader.readexactly(kSent);
      CHECK(is_counter(bytes, 0));
    }
  });
}

// In a child: uses up the descriptors, and counts while the server cannot accept its next client.
Task<void> pause_for_descriptors() {
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  const SocketAddress address = server.addresses()[0];
  Socket pending(this_loop());
  check(pending.open(AF_INET) >= 0, "a client");
  std::vector<UniqueFd> hoard;
  do {
    hoard.emplace_back(::eventfd(0, EFD_CLOEXEC));
  } while (hoard.back());
  check(errno == EMFILE, "the descriptors are used up");
  check(pending.connect(address) == 0, "connect() failed");
  co_await settle();

  const std::size_t before = asked.looks;
  co_await sleep(400ms);  // Pauses of 50, 100, 200 and 400 ms begin.
  check(asked.looks - before <= 4 * kFew, "the loop does not spin while it pauses");
  check(server.connections() == 0, "nobody was accepted");

  hoard.clear();
  const bool echoed = co_await is_echoed(pending);
  check(echoed, "the client is served when descriptors are back");
}

TEST_CASE("Server: out of descriptors it does not spin [S-20]") {
  const ChildEnd end = run_in_child([] {
    const rlimit limit{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    run(pause_for_descriptors(), counting(ClockKind::kReal));
  });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, "paused"));
}

int refusals = 0;  // Accepts that are still to be refused.
constexpr std::string_view kRefused = "paused: Operation not supported";

// Asks a refused accept of a socket that can accept nobody, and is readable all the time.
class RefusingBackend final : public ForwardingBackend<CustomBackend> {
 public:
  explicit RefusingBackend(std::unique_ptr<CustomBackend> inner)
      : ForwardingBackend(std::move(inner)) {
    int ends[2] = {-1, -1};
    check(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair() failed");
    deaf_ = UniqueFd(ends[0]);
    const UniqueFd other(ends[1]);
    check(::send(other.get(), "x", 1, 0) == 1, "send() failed");
    attach(deaf_.get());
  }

  void submit(Operation& operation, const Request& request) noexcept override {
    Request asked_for = request;
    if (request.kind == Request::Kind::kAccept && refusals > 0) {
      --refusals;
      asked_for.fd = deaf_.get();
    }
    ForwardingBackend::submit(operation, asked_for);
  }

 private:
  UniqueFd deaf_;
};

LoopOptions refusing() {
  LoopOptions options = counting(ClockKind::kVirtual);
  options.make_backend = [inner = options.make_backend](Loop& loop) {
    return std::make_unique<RefusingBackend>(inner(loop));
  };
  return options;
}

Task<void> serve_when_accepts_are_refused(int count) {
  refusals = count;
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  const Socket pending = connect_to(server.addresses()[0]);
  co_await sleep(10s);
  const int refused = count - refusals;
  check(refused > 0 && refused <= 20, "each pause is twice as long, up to a second");

  refusals = 0;
  const bool echoed = co_await is_echoed(pending);
  check(echoed, "the client is served when accepts are not refused");
}

TEST_CASE("Server: while accepts are refused it does not spin, and serves later [S-20]") {
  const ChildEnd end = run_in_child([] { run(serve_when_accepts_are_refused(1000), refusing()); });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(contains(end.errors, kRefused));
}

TEST_CASE("Server: one accept that fails is repeated at once [S-45]") {
  const ChildEnd end = run_in_child([] { run(serve_when_accepts_are_refused(1), refusing()); });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK_FALSE(contains(end.errors, kRefused));
}

}  // namespace
}  // namespace brigade
