#include "brigade/runtime/ring.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/runtime/check.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

// Keeps the results it gets.
class Noted : public Operation {
 public:
  Noted() noexcept : Operation(&completed) {}

  int completions = 0;
  int result = 0;

 private:
  static void completed(Operation& operation, int result, bool more) noexcept {
    auto& self = static_cast<Noted&>(operation);
    ++self.completions;
    self.result = result;
    if (more) self.completions += 1000;  // No test here asks for more than one.
  }
};

Request poll_in(const Pipe& pipe) {
  Request request;
  request.kind = Request::Kind::kPoll;
  request.fd = pipe.reader.get();
  request.flags = POLLIN;
  return request;
}

TEST_CASE("Ring: an operation that fails at once does not hold up those behind it [E-07]") {
  const Pipe pipe;
  pipe.write_byte();
  Request nowhere = poll_in(pipe);
  nowhere.fd = 1 << 20;
  Noted operations[5];
  Ring ring(8);

  for (int i = 0; i < 5; ++i) ring.submit(operations[i], i % 2 == 0 ? nowhere : poll_in(pipe));
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  for (int i = 0; i < 5; ++i) {
    CHECK(operations[i].completions == 1);
    CHECK(operations[i].result == (i % 2 == 0 ? -EBADF : POLLIN));
  }
}

TEST_CASE("Ring: an operation is in flight until its completion has been dispatched") {
  const Pipe pipe;
  Noted operation;
  Ring ring(8);

  ring.submit(operation, poll_in(pipe));
  CHECK(operation.in_flight());
  CHECK(ring.in_flight() == 1);
  ring.poll();
  CHECK(operation.in_flight());
  pipe.write_byte();
  CHECK(operation.completions == 0);
  ring.wait(std::nullopt);

  CHECK_FALSE(operation.in_flight());
  CHECK(ring.in_flight() == 0);
  CHECK(operation.completions == 1);
  CHECK((operation.result & POLLIN) != 0);
}

TEST_CASE("Ring: a cancel merely asks; the completion of the operation itself ends it [T-02]") {
  const Pipe pipe;
  Noted operation;
  Ring ring(8);
  ring.submit(operation, poll_in(pipe));
  ring.poll();

  ring.cancel(operation);
  ring.cancel(operation);  // Idempotent.
  CHECK(operation.in_flight());
  CHECK(operation.completions == 0);
  while (operation.in_flight()) ring.wait(std::nullopt);

  CHECK(operation.completions == 1);
  CHECK(operation.result == -ECANCELED);
  CHECK(ring.in_flight() == 0);
}

TEST_CASE("Ring: a result that wins against the cancel is told as it is [T-03]") {
  const Pipe pipe;
  pipe.write_byte();
  Noted operation;
  Ring ring(8);

  ring.submit(operation, poll_in(pipe));
  ring.cancel(operation);
  while (operation.in_flight()) ring.wait(std::nullopt);

  CHECK(operation.completions == 1);
  CHECK((operation.result == -ECANCELED || (operation.result & POLLIN) != 0));
}

TEST_CASE("Ring: wait returns when the time is up") {
  const Pipe pipe;
  Noted operation;
  Ring ring(8);
  ring.submit(operation, poll_in(pipe));
  const auto start = std::chrono::steady_clock::now();

  ring.wait(Nanoseconds(2ms));

  CHECK(std::chrono::steady_clock::now() - start >= 2ms);
  CHECK(operation.in_flight());
  ring.cancel_all();
  while (ring.in_flight() > 0) ring.wait(std::nullopt);
}

TEST_CASE("Ring: with two entries a hundred operations and their cancels all get through [E-06]") {
  const Pipe pipe;
  std::deque<Noted> operations(100);
  Ring ring(2);
  for (Noted& operation : operations) ring.submit(operation, poll_in(pipe));
  CHECK(ring.in_flight() == 100);
  for (std::size_t i = 0; i < 50; ++i) ring.cancel(operations[i * 2]);

  while (ring.in_flight() > 50) ring.wait(std::nullopt);
  pipe.write_byte();
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  for (std::size_t i = 0; i < operations.size(); ++i) {
    CHECK(operations[i].completions == 1);
    CHECK((i % 2 == 0 ? operations[i].result == -ECANCELED : (operations[i].result & POLLIN) != 0));
  }
}

TEST_CASE("Ring: cancel_all ends what is submitted and what is not yet") {
  const Pipe pipe;
  std::deque<Noted> operations(100);
  Ring ring(2);
  for (Noted& operation : operations) ring.submit(operation, poll_in(pipe));

  ring.cancel_all();
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  for (const Noted& operation : operations) {
    CHECK(operation.completions == 1);
    CHECK(operation.result == -ECANCELED);
  }
}

TEST_CASE("Ring: what the kernel has no room for waits, and goes first when there is [E-06]") {
  const ChildEnd end = run_in_child([] {
    const Pipe ready;
    const Pipe idle;
    ready.write_byte();
    std::deque<Noted> operations(100);
    Noted unsubmitted;
    Noted submitted;
    Ring ring(2);
    refuse_mere_submits();

    ring.submit(submitted, poll_in(idle));  // Fills the submission queue, with the next one.
    for (Noted& operation : operations) ring.submit(operation, poll_in(ready));
    ring.submit(unsubmitted, poll_in(idle));
    ring.cancel(submitted);    // Its cancel finds no room either.
    ring.cancel(unsubmitted);  // The kernel has never seen it.
    check(unsubmitted.completions == 1 && unsubmitted.result == -ECANCELED,
          "not cancelled at once");
    check(ring.in_flight() == 101, "something was dropped");
    for (int rounds = 0; ring.in_flight() > 0; ++rounds) {
      check(rounds < 1000, "something was forgotten");
      ring.wait(std::nullopt);
    }

    check(submitted.completions == 1 && submitted.result == -ECANCELED, "the cancel was lost");
    for (const Noted& operation : operations)
      check(operation.completions == 1 && (operation.result & POLLIN) != 0, "not done");
  });

  CHECK(end.errors == "");
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("Ring: more completions than the completion queue holds all arrive, once each [E-05]") {
  const Pipe pipe;
  pipe.write_byte();  // Every operation completes as soon as the kernel sees it.
  std::deque<Noted> operations(10'000);
  Ring ring(2);

  for (Noted& operation : operations) ring.submit(operation, poll_in(pipe));
  for (std::size_t i = 0; i < operations.size(); i += 3) ring.cancel(operations[i]);
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  for (const Noted& operation : operations) {
    REQUIRE(operation.completions == 1);
    REQUIRE((operation.result == -ECANCELED || (operation.result & POLLIN) != 0));
  }
}

TEST_CASE("Ring: an operation may be submitted again after it ended") {
  const Pipe pipe;
  Noted operation;
  Ring ring(8);

  for (int round = 1; round <= 100; ++round) {
    ring.submit(operation, poll_in(pipe));
    if (round % 2 == 0) ring.cancel(operation);
    if (round % 2 == 1) pipe.write_byte();
    while (operation.in_flight()) ring.wait(std::nullopt);
    if (round % 2 == 1) pipe.read_byte();
    REQUIRE(operation.completions == round);
    REQUIRE((operation.result == -ECANCELED) == (round % 2 == 0));
  }
}

TEST_CASE("Ring: a cancel sent for an operation that ended does not hit its successor") {
  const Pipe pipe;
  Noted operation;
  Ring ring(8);
  pipe.write_byte();

  ring.submit(operation, poll_in(pipe));
  ring.cancel(operation);
  while (operation.in_flight()) ring.wait(std::nullopt);
  pipe.read_byte();
  ring.submit(operation, poll_in(pipe));  // The same object: the same user data.
  ring.wait(Nanoseconds(1ms));
  CHECK(operation.in_flight());
  pipe.write_byte();
  while (operation.in_flight()) ring.wait(std::nullopt);

  CHECK((operation.result & POLLIN) != 0);
}

TEST_CASE("Ring: sends and receives bytes") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const UniqueFd left(ends[0]);
  const UniqueFd right(ends[1]);
  std::string sent = "brigade";
  std::string received(32, '\0');
  Noted send;
  Noted receive;
  Ring ring(8);

  ring.submit(receive,
              Request{Request::Kind::kReceive, right.get(), received.data(), received.size(), 0});
  ring.submit(send, Request{Request::Kind::kSend, left.get(), sent.data(), sent.size(), 0});
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  CHECK(send.result == 7);
  CHECK(receive.result == 7);
  CHECK(received.substr(0, 7) == sent);
}

// Ends what the kernel holds for this descriptor, as it does by itself when it finds no thread for
// it: the ring has not asked. That there was something is what it answers.
bool end_behind_the_back(int fd) {
  namespace fs = std::filesystem;
  for (const auto& open : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (fs::read_symlink(open, gone) != "anon_inode:[io_uring]") continue;
    io_uring_sync_cancel_reg what{};
    what.fd = fd;
    what.flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
    what.timeout = {-1, -1};
    return ::syscall(SYS_io_uring_register, std::stoi(open.path().filename()),
                     IORING_REGISTER_SYNC_CANCEL, &what, 1) > 0;
  }
  return false;
}

TEST_CASE("Ring: what the kernel gave up of itself is asked for again [T-30]") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const UniqueFd left(ends[0]);
  const UniqueFd right(ends[1]);
  const Pipe pipe;
  std::string received(32, '\0');
  Noted receive;
  Noted poll;
  Ring ring(8);
  ring.submit(receive, Request{Request::Kind::kReceive, right.get(), received.data(), 32, 0});
  ring.submit(poll, poll_in(pipe));
  ring.poll();

  for (int i = 0; i < 3; ++i) {
    CHECK(end_behind_the_back(right.get()));
    CHECK(end_behind_the_back(pipe.reader.get()));
    ring.poll();
    ring.poll();
  }

  CHECK(receive.completions + poll.completions == 0);
  CHECK(ring.in_flight() == 2);
  pipe.write_byte();
  CHECK(::send(left.get(), "brigade", 7, 0) == 7);
  while (ring.in_flight() > 0) ring.wait(std::nullopt);
  CHECK(receive.result == 7);
  CHECK((poll.result & POLLIN) != 0);
}

TEST_CASE(
    "Ring: what the kernel gave up before it was cancelled is cancelled all the same [T-02]") {
  const Pipe pipe;
  Noted operation;
  Ring ring(8);
  ring.submit(operation, poll_in(pipe));
  ring.poll();

  REQUIRE(end_behind_the_back(pipe.reader.get()));
  ring.cancel(operation);
  while (ring.in_flight() > 0) ring.wait(std::nullopt);

  CHECK(operation.completions == 1);
  CHECK(operation.result == -ECANCELED);
}

TEST_CASE("Ring: a cancel that the kernel did not find is sent again [T-02]") {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;  // An abstract name that the kernel chooses.
  socklen_t size = sizeof(sa_family_t);
  const auto raw = reinterpret_cast<sockaddr*>(&address);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(listener.get(), raw, size) == 0);
  size = sizeof address;
  REQUIRE(::getsockname(listener.get(), raw, &size) == 0);
  REQUIRE(::listen(listener.get(), 0) == 0);
  const UniqueFd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(first.get(), raw, size) == 0);  // The backlog is full.
  const Pipe pipe;
  pipe.write_byte();
  Ring ring(8);

  for (const bool busy : {false, true}) {
    const UniqueFd second(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Noted connect;
    Noted poll;
    ring.submit(connect, Request{Request::Kind::kConnect, second.get(), &address, size, 0});
    ring.cancel(connect);
    while (connect.completions == 0) {
      if (busy) {  // Turn after turn the cancel of another finds nothing either.
        ring.submit(poll, poll_in(pipe));
        ring.cancel(poll);
        while (poll.in_flight()) ring.poll();
      } else {
        ring.wait(std::nullopt);
      }
    }

    CHECK(connect.completions == 1);
    CHECK((connect.result == -EINTR || connect.result == -ECANCELED));
    CHECK(ring.in_flight() == 0);
  }
}

TEST_CASE("Ring: submitting what is in flight is a broken check") {
  check_dies(
      [] {
        const Pipe pipe;
        Noted operation;
        Ring ring(8);
        ring.submit(operation, poll_in(pipe));
        ring.submit(operation, poll_in(pipe));
      },
      "an operation is submitted while it is in flight");
}

TEST_CASE("Ring: destroying it while the kernel owns operations is a broken check") {
  check_dies(
      [] {
        const Pipe pipe;
        Noted operation;
        Ring ring(8);
        ring.submit(operation, poll_in(pipe));
      },
      "a ring is destroyed while the kernel owns operations");
}

}  // namespace
}  // namespace brigade
