#include "brigade/net/connect.h"

#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/runtime/check.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/net/fake_host.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

struct Failure {
  int code = 0;
  std::string message;

  Failure() = default;
};

// Connects in vain; how it failed.
Task<Failure> failure_of(Task<std::pair<StreamReader, StreamWriter>> connecting) {
  Failure failure;
  try {
    co_await std::move(connecting);
  } catch (const std::system_error& error) {
    failure.code = error.code().value();
    failure.message = error.what();
  }
  co_return failure;
}

Task<void> connect_and_drop(std::string host, std::uint16_t port) {
  co_await open_connection(std::move(host), port);
}

Task<void> connect_unix_and_drop(std::string path) {
  co_await open_unix_connection(std::move(path));
}

Task<void> connect_within(Nanoseconds limit, std::string host, std::uint16_t port) {
  co_await timeout(limit, connect_and_drop(std::move(host), port));
}

SocketAddress address_of(const Socket& socket) { return socket.local_address(); }

TEST_CASE("open_connection: both ends of it talk over IPv4 and IPv6 [S-40]") {
  run_async_real([]() -> Task<void> {
    for (const SocketAddress& local : {loopback(), loopback6()}) {
      const Socket listener = listen_at(local);
      const bool v6 = local.family() == AF_INET6;

      auto [reader, writer] =
          co_await open_connection(v6 ? "::1" : "127.0.0.1", address_of(listener).port());
      const Socket peer = accept_from(listener);
      writer.write("ping");
      const std::string at_peer = co_await receive_bytes(peer, 4);
      send_raw(peer, "pong");
      const std::string_view answer = co_await reader.readexactly(4);

      CHECK(at_peer == "ping");
      CHECK(answer == "pong");
      CHECK(writer.peer_address().to_string() == address_of(listener).to_string());
    }
  });
}

TEST_CASE("open_connection: a refusal names the address [S-43]") {
  run_async([]() -> Task<void> {
    const Socket holder = bound_to(loopback());
    const SocketAddress refusing = address_of(holder);

    const Failure failure = co_await failure_of(open_connection("127.0.0.1", refusing.port()));

    CHECK(failure.code == ECONNREFUSED);
    CHECK(contains(failure.message, "connect to " + refusing.to_string()));
  });
}

TEST_CASE("open_connection: a name that is unknown is named [S-43]") {
  run_async([]() -> Task<void> {
    const FakeHost host("nobody.test", {}, EAI_NONAME);

    const Failure failure = co_await failure_of(open_connection("nobody.test", 80));

    CHECK(contains(failure.message, "nobody.test"));
  });
}

TEST_CASE("open_connection: the addresses are tried in order until one answers [S-43]") {
  run_async_real([]() -> Task<void> {
    const FakeHost host("two.test", {"127.0.0.1", "::1"});
    const Socket listener = listen_at(loopback6());
    const std::uint16_t port = address_of(listener).port();
    const Socket refusing = bound_to(loopback(port));

    auto [reader, writer] = co_await open_connection("two.test", port);

    CHECK(writer.peer_address().to_string() == address_of(listener).to_string());
  });
}

TEST_CASE("open_connection: if all addresses fail, each is told with its reason [S-43]") {
  run_async([]() -> Task<void> {
    const FakeHost host("two.test", {"127.0.0.1", "::1"});
    const Socket first = bound_to(loopback());
    const std::uint16_t port = address_of(first).port();
    const Socket second = bound_to(loopback6(port));

    const Failure failure = co_await failure_of(open_connection("two.test", port));

    CHECK(failure.code == ECONNREFUSED);
    CHECK(contains(failure.message, "two.test:" + std::to_string(port)));
    CHECK(contains(failure.message, address_of(first).to_string() + ": Connection refused"));
    CHECK(contains(failure.message, address_of(second).to_string() + ": Connection refused"));
  });
}

TEST_CASE("open_connection: an address that cannot be tried does not hide the next one [S-43]") {
  run_async_real([]() -> Task<void> {
    // Link-local without a scope: the kernel answers EINVAL.
    const FakeHost host("odd.test", {"fe80::1", "127.0.0.1"});
    const Socket listener = listen_at(loopback());

    auto [reader, writer] = co_await open_connection("odd.test", address_of(listener).port());

    CHECK(writer.peer_address().family() == AF_INET);
  });
}

TEST_CASE("open_connection: a family that the system lacks does not hide the next address [S-43]") {
  run_async_real([]() -> Task<void> {
    const FakeHost host("odd.test", {FakeHost::kUnsupported, "127.0.0.1"});
    const Socket listener = listen_at(loopback());

    const std::string thrown =
        co_await thrown_by(connect_and_drop("odd.test", address_of(listener).port()));

    CHECK(thrown == "nothing");
  });
}

TEST_CASE("open_connection: one in progress is cancelled, and resumes [S-43]") {
  run_async([]() -> Task<void> {
    const Socket listener = listen_at(loopback(), 0);
    const std::vector<Socket> clients = fill_backlog(address_of(listener));
    const TaskHandle<void> connecting =
        spawn(connect_and_drop("127.0.0.1", address_of(listener).port()));
    co_await sleep(1ms);
    CHECK_FALSE(connecting.done());

    connecting.cancel();
    co_await wait_done(connecting);

    CHECK(connecting.status() == TaskStatus::kCancelled);
  });
}

TEST_CASE("open_connection: one in progress ends at a deadline by TimeoutError [S-43]") {
  run_async([]() -> Task<void> {
    const Socket listener = listen_at(loopback(), 0);
    const std::vector<Socket> clients = fill_backlog(address_of(listener));
    const std::uint16_t port = address_of(listener).port();

    const std::string thrown = co_await thrown_by(connect_within(2s, "127.0.0.1", port));

    CHECK(contains(thrown, "TimeoutError"));
    CHECK((Loop::current().now() == TimePoint(2s)));
  });
}

TEST_CASE("open_connection: a cancel that comes with the connection loses neither [S-43]") {
  run_async_real([]() -> Task<void> {
    const Socket listener = listen_at(loopback(), 200);
    for (int round = 0; round < 100; ++round) {
      const TaskHandle<void> connecting =
          spawn(connect_and_drop("127.0.0.1", address_of(listener).port()));
      co_await turns(round % 4);

      connecting.cancel();
      co_await wait_done(connecting);

      CHECK(connecting.status() != TaskStatus::kError);
    }
  });
}

TEST_CASE("open_connection: closing the loop ends one in progress [S-43]") {
  Loop loop(loop_options());
  const Socket listener = listen_at(loopback(), 0, &loop);
  const std::vector<Socket> clients = fill_backlog(address_of(listener), &loop);
  const std::size_t ours = 1 + clients.size();
  const TaskHandle<void> connecting =
      loop.spawn(connect_and_drop("127.0.0.1", address_of(listener).port()));
  for (int i = 0; i < 3; ++i) loop.run_once();
  CHECK_FALSE(connecting.done());

  loop.close();

  CHECK(connecting.status() == TaskStatus::kCancelled);
  CHECK(loop.ledger().operations == 0);
  CHECK(loop.ledger().descriptors == ours);
}

TEST_CASE("open_unix_connection: both ends of it talk") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const Socket listener = listen_at(SocketAddress::unix_path(folder / "s"));

    auto [reader, writer] = co_await open_unix_connection(folder / "s");
    const Socket peer = accept_from(listener);
    send_raw(peer, "pong");
    const std::string_view answer = co_await reader.readexactly(4);

    CHECK(answer == "pong");
    CHECK(writer.peer_address().to_string() == folder / "s");
  });
}

TEST_CASE("open_unix_connection: a path where nobody is, or nobody listens, is named [S-43]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const Socket deaf = bound_to(SocketAddress::unix_path(folder / "deaf"));

    const Failure missing = co_await failure_of(open_unix_connection(folder / "none"));
    const Failure refused = co_await failure_of(open_unix_connection(folder / "deaf"));

    CHECK(missing.code == ENOENT);
    CHECK(contains(missing.message, folder / "none"));
    CHECK(refused.code == ECONNREFUSED);
    CHECK(contains(refused.message, folder / "deaf"));
  });
}

TEST_CASE("open_unix_connection: a path of 108 bytes is std::invalid_argument [S-42]") {
  run_async([]() -> Task<void> {
    const std::string thrown =
        co_await thrown_by(connect_unix_and_drop("/tmp/" + std::string(103, 'x')));

    CHECK(contains(thrown, "std::invalid_argument"));
    CHECK(contains(thrown, "107"));
  });
}

Task<void> cancel(const TaskHandle<void>& task) {
  task.cancel();
  co_return;
}

TEST_CASE("open_unix_connection: one that waits for a full backlog is cancelled [S-43]") {
  LoopOptions options;
  options.backend = BackendKind::kIoUring;  // epoll does not wait: docs/design/back_ends.md.
  const auto work = []() -> Task<void> {
    const ShortFolder folder;
    const SocketAddress address = SocketAddress::unix_path(folder / "s");
    const Socket listener = listen_at(address, 0);
    const std::vector<Socket> clients = fill_backlog(address);
    for (const bool at_once : {false, true}) {  // In the turn in which it begins, or later.
      const TaskHandle<void> connecting = spawn(connect_unix_and_drop(folder / "s"));
      if (!at_once) co_await sleep(5ms);
      CHECK_FALSE(connecting.done());

      const TaskHandle<void> cancelling = spawn(cancel(connecting));
      co_await cancelling;
      co_await wait_done(connecting);

      CHECK(connecting.status() == TaskStatus::kCancelled);
    }
  };

  run_async_real(work, std::move(options));
}

// In a child: goes on in one of its own, which it continues each time that it has stopped itself.
void be_continued() {
  const pid_t child = ::fork();
  check(child >= 0, "fork() failed");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return;
  }
  int status = 0;
  while (::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status))
    ::kill(child, SIGCONT);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

Task<std::string> hear_from(std::string path) {
  auto [reader, writer] = co_await open_unix_connection(std::move(path));
  co_return std::string(co_await reader.readexactly(4));
}

Task<void> be_stopped_while_connecting() {
  const ShortFolder folder;
  const SocketAddress address = SocketAddress::unix_path(folder / "s");
  const Socket listener = listen_at(address, 0);
  const std::vector<Socket> clients = fill_backlog(address);
  const TaskHandle<std::string> hearing = spawn(hear_from(folder / "s"));

  for (int i = 0; i < 5; ++i) {
    co_await sleep(5ms);
    ::kill(::getpid(), SIGSTOP);
  }
  co_await sleep(5ms);
  check(!hearing.done(), "it waits on");

  for (std::size_t i = 0; i + 1 < clients.size(); ++i) accept_from(listener);  // The last is out.
  co_await wait_readable(listener.get());
  send_raw(accept_from(listener), "pong");
  const std::string heard = co_await hearing;
  check(heard == "pong", "the connection works");
}

TEST_CASE("open_unix_connection: one that waits goes on when the process is continued [S-43]") {
  const ChildEnd end = run_in_child([] {
    be_continued();
    LoopOptions options;
    options.backend = BackendKind::kIoUring;  // epoll does not wait.
    run_async_real(&be_stopped_while_connecting, std::move(options));
  });

  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("open_unix_connection: a full backlog is an error on epoll, which cannot wait [S-43]") {
  LoopOptions options;
  options.backend = BackendKind::kEpoll;
  const auto work = []() -> Task<void> {
    const ShortFolder folder;
    const SocketAddress address = SocketAddress::unix_path(folder / "s");
    const Socket listener = listen_at(address, 0);
    const std::vector<Socket> clients = fill_backlog(address);

    const std::string thrown = co_await thrown_by(connect_unix_and_drop(folder / "s"));

    CHECK(contains(thrown, "Resource temporarily unavailable"));
  };

  run_async_real(work, std::move(options));
}

TEST_CASE("open_unix_connection: an abstract name is a path that starts with a NUL byte [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;  // Its name is nobody else's.
    const std::string name = '\0' + (folder / "abstract");
    const Socket listener = listen_at(SocketAddress::unix_path(name));

    auto [reader, writer] = co_await open_unix_connection(name);

    CHECK(writer.peer_address().to_string() == "@" + (folder / "abstract"));
  });
}

}  // namespace
}  // namespace brigade
