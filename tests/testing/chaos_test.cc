#include "brigade/testing/chaos.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/descriptors.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr ChaosOptions kCalm = {.delayed = 0, .shortened = 0, .interrupted = 0, .shortages = 0};

// Keeps what it is told.
class Noted : public Operation {
 public:
  Noted() noexcept : Operation(&completed) {}

  std::vector<int> results;
  int ends = 0;
  std::vector<Noted*>* order = nullptr;  // of the completions of several

 private:
  static void completed(Operation& operation, int result, bool more) noexcept {
    auto& self = static_cast<Noted&>(operation);
    self.results.push_back(result);
    if (!more) ++self.ends;
    if (self.order != nullptr) self.order->push_back(&self);
  }
};

std::unique_ptr<CustomBackend> make(const ChaosOptions& options) {
  Loop loop;  // Chaos has no use for it.
  return chaos(options)(loop);
}

template <class Descriptor>
Request request_of(Request::Kind kind, const Descriptor& fd, void* data = nullptr,
                   std::size_t size = 0) {
  return Request{kind, fd.get(), data, size, kind == Request::Kind::kPoll ? unsigned{POLLIN} : 0U};
}

Request poll_in(const Pipe& pipe) { return request_of(Request::Kind::kPoll, pipe.reader); }

Request receive_to(const Socket& fd, std::string& room) {
  return request_of(Request::Kind::kReceive, fd, room.data(), room.size());
}

// Returns the one result of a request.
int result_of(CustomBackend& backend, const Request& request) {
  Noted operation;
  backend.submit(operation, request);
  while (operation.in_flight()) backend.wait(std::nullopt);
  REQUIRE(operation.results.size() == 1);
  REQUIRE(operation.ends == 1);
  return operation.results[0];
}

TEST_CASE("Chaos: nothing completes inside submit() or cancel()") {
  ChaosOptions options = kCalm;
  options.interrupted = 100;  // Known at once, without the kernel.
  const auto backend = make(options);
  const auto [near, far] = unix_pair();
  std::string room(10, '\0');
  std::deque<Noted> operations(4);

  for (Noted& operation : operations) backend->submit(operation, receive_to(near, room));
  for (Noted& operation : operations) backend->cancel(operation);

  CHECK(backend->in_flight() == 4);
  for (const Noted& operation : operations) {
    CHECK(operation.in_flight());
    CHECK(operation.results.empty());
  }
  while (backend->in_flight() > 0) backend->wait(std::nullopt);
  for (const Noted& operation : operations) CHECK(operation.ends == 1);
}

TEST_CASE("Chaos: a result that is held back counts as in flight, and wait() does not block") {
  ChaosCounts counts;
  ChaosOptions options = kCalm;
  options.delayed = 100;
  options.counts = &counts;
  for (options.seed = 1; options.seed <= 20; ++options.seed) {
    const auto backend = make(options);
    const Pipe pipe;
    pipe.write_byte();
    Noted operation;
    backend->submit(operation, poll_in(pipe));

    backend->wait(std::nullopt);  // It has come.
    int late = 0;
    for (; operation.in_flight(); ++late) {
      CHECK(operation.results.empty());
      CHECK(backend->in_flight() == 1);
      CHECK(backend->busy());
      backend->wait(std::nullopt);
    }

    CHECK(late >= 1);
    CHECK(late <= 3);
    CHECK(operation.ends == 1);
    CHECK(backend->in_flight() == 0);
  }
  CHECK(counts.delayed == 20);
}

TEST_CASE("Chaos: a cancel that comes while the result is held back does not change it [T-03]") {
  ChaosOptions options = kCalm;
  options.delayed = 100;
  options.interrupted = 100;  // No cancelled poll ends by -EINTR.
  const auto backend = make(options);
  const Pipe pipe;
  pipe.write_byte();
  Noted operation;
  backend->submit(operation, poll_in(pipe));
  backend->wait(std::nullopt);
  REQUIRE(operation.in_flight());

  backend->cancel(operation);
  backend->cancel_all();
  CHECK(operation.in_flight());
  while (operation.in_flight()) backend->wait(std::nullopt);

  CHECK(operation.results == std::vector<int>{POLLIN});
}

TEST_CASE("Chaos: a cancelled operation is in flight until its completion was told [T-02]") {
  ChaosOptions options = kCalm;
  options.delayed = 100;
  const auto backend = make(options);
  const Pipe pipe;
  Noted operation;
  backend->submit(operation, poll_in(pipe));
  backend->wait(Nanoseconds::zero());

  backend->cancel(operation);
  int waits = 0;
  for (; operation.in_flight(); ++waits) {
    CHECK(operation.results.empty());
    backend->wait(std::nullopt);
  }

  CHECK(waits >= 2);  // One would do without the delay.
  CHECK(operation.results == std::vector<int>{-ECANCELED});
}

TEST_CASE("Chaos: a receive comes short, and no byte is lost [S-01]") {
  ChaosCounts counts;
  ChaosOptions options = kCalm;
  options.shortened = 100;
  options.counts = &counts;
  const auto backend = make(options);
  const auto [near, far] = unix_pair();
  send_raw(far, counter_bytes(0, 5000));

  std::uint64_t receives = 0;
  for (std::size_t position = 0; position < 5000; ++receives) {
    std::string room(1000, '\0');
    const int count = result_of(*backend, receive_to(near, room));
    REQUIRE(count >= 1);
    REQUIRE(count < 1000);
    REQUIRE(is_counter(room.substr(0, static_cast<std::size_t>(count)), position));
    position += static_cast<std::size_t>(count);
  }

  CHECK(receives > 5);
  CHECK(counts.shortened == receives);
}

TEST_CASE("Chaos: a send comes short, and no byte is lost [S-07]") {
  ChaosCounts counts;
  ChaosOptions options = kCalm;
  options.shortened = 100;
  options.counts = &counts;
  const auto backend = make(options);
  const auto [near, far] = unix_pair();
  std::string bytes = counter_bytes(0, 1000);

  std::uint64_t sends = 0;
  for (std::size_t sent = 0; sent < 999; ++sends) {
    const int count = result_of(
        *backend, request_of(Request::Kind::kSend, near, bytes.data() + sent, bytes.size() - sent));
    REQUIRE(count >= 1);
    sent += static_cast<std::size_t>(count);
    REQUIRE(sent < 1000);
  }

  CHECK(sends > 1);
  CHECK(counts.shortened == sends);
  CHECK(receive_raw(far) == counter_bytes(0, 999));
}

TEST_CASE("Chaos: received bytes reach their owner with the completion, not before") {
  ChaosOptions options = kCalm;
  options.delayed = 100;
  const auto backend = make(options);
  const auto [near, far] = unix_pair();
  send_raw(far, "bytes");
  std::string room(5, '-');
  Noted operation;
  backend->submit(operation, receive_to(near, room));

  backend->wait(std::nullopt);
  CHECK(room == "-----");
  while (operation.in_flight()) backend->wait(std::nullopt);

  CHECK(room == "bytes");
}

TEST_CASE("Chaos: an owner that changes what is being sent is found [T-02]") {
  const auto overwrite = [] {
    const auto backend = make(kCalm);
    const auto [near, far] = unix_pair();
    std::string bytes = "bytes";
    Noted operation;
    backend->submit(operation, request_of(Request::Kind::kSend, near, bytes.data(), bytes.size()));
    bytes[2] = '!';
    backend->wait(std::nullopt);
  };

  check_dies(overwrite, "what is being sent has changed before its completion");
}

TEST_CASE("Chaos: an owner that closes the descriptor of its operation is found") {
  const auto close = [] {
    const auto backend = make(kCalm);
    auto [near, far] = unix_pair();
    std::string room(10, '\0');
    Noted operation;
    backend->submit(operation, receive_to(near, room));
    backend->poll();
    near.reset();
    backend->cancel_all();
    backend->wait(std::nullopt);
  };

  check_dies(close, "a descriptor was closed while an operation on it was in flight");
}

TEST_CASE("Chaos: results that come together are told in another order, each once") {
  ChaosCounts counts;
  ChaosOptions options = kCalm;
  options.counts = &counts;
  const auto backend = make(options);
  const Pipe pipe;
  std::deque<Noted> operations(50);
  std::vector<Noted*> submitted;
  std::vector<Noted*> told;
  for (Noted& operation : operations) {
    submitted.push_back(&operation);
    operation.order = &told;
    backend->submit(operation, poll_in(pipe));
  }
  backend->wait(Nanoseconds::zero());
  REQUIRE(told.empty());

  pipe.write_byte();
  while (backend->in_flight() > 0) backend->wait(std::nullopt);

  CHECK(counts.permuted >= 1);
  CHECK(counts.delayed == 0);
  CHECK(told != submitted);
  std::ranges::sort(told);
  std::ranges::sort(submitted);
  CHECK(told == submitted);
}

TEST_CASE("Chaos: receives and sends are interrupted or sent away, and nothing is consumed") {
  ChaosCounts counts;
  ChaosOptions options = kCalm;
  options.interrupted = 50;
  options.counts = &counts;
  const auto backend = make(options);
  const auto [near, far] = unix_pair();

  std::vector<int> refusals;
  for (std::size_t sent = 0; sent < 200;) {
    std::string bytes = counter_bytes(sent, 1);
    const int result =
        result_of(*backend, request_of(Request::Kind::kSend, near, bytes.data(), bytes.size()));
    if (result == 1)
      ++sent;
    else
      refusals.push_back(result);
  }
  for (std::size_t received = 0; received < 200;) {
    std::string room(1, '\0');
    const int result = result_of(*backend, receive_to(far, room));
    if (result == 1)
      REQUIRE(room[0] == counter_byte(received++));
    else
      refusals.push_back(result);
  }

  const auto interrupted = static_cast<std::size_t>(std::ranges::count(refusals, -EINTR));
  const auto again = static_cast<std::size_t>(std::ranges::count(refusals, -EAGAIN));
  CHECK(interrupted + again == refusals.size());
  CHECK(interrupted > 50);
  CHECK(again > 50);
  CHECK(counts.interrupted == interrupted);
  CHECK(counts.again == again);
}

TEST_CASE("Chaos: a cancelled operation may end by -EINTR, but a poll by -ECANCELED alone") {
  ChaosOptions options = kCalm;
  const Pipe pipe;
  const auto [near, far] = unix_pair();
  std::string room(1, '\0');
  std::vector<int> receives;
  options.interrupted = 50;
  for (options.seed = 1; options.seed <= 50; ++options.seed) {
    const auto backend = make(options);
    Noted poll;
    Noted receive;
    backend->submit(poll, poll_in(pipe));
    backend->submit(receive, receive_to(near, room));
    backend->wait(Nanoseconds::zero());

    backend->cancel_all();
    while (backend->in_flight() > 0) backend->wait(std::nullopt);

    CHECK(poll.results == std::vector<int>{-ECANCELED});
    receives.push_back(receive.results.at(0));
  }

  CHECK(std::ranges::count(receives, -ECANCELED) > 5);
  CHECK(std::ranges::count(receives, -EINTR) > 5);
}

TEST_CASE("Chaos: an accept ends when it likes, and every client is told [S-20]") {
  ChaosCounts counts;
  ChaosOptions options = kCalm;
  options.delayed = 50;
  options.shortages = 30;
  options.counts = &counts;
  const Socket listener = listen_at(loopback());
  const SocketAddress address = listener.local_address();
  const auto backend = make(options);
  std::deque<Noted> accepts;
  std::vector<UniqueFd> accepted;

  for (std::size_t clients = 1; clients <= 200; ++clients) {
    const Socket client = connect_to(address);
    while (accepted.size() < clients) {
      if (accepts.empty() || !accepts.back().in_flight())
        backend->submit(accepts.emplace_back(), request_of(Request::Kind::kAccept, listener));
      Noted& accept = accepts.back();
      const std::size_t told = accept.results.size();
      backend->wait(std::nullopt);
      for (std::size_t i = told; i < accept.results.size(); ++i)
        if (accept.results[i] >= 0) accepted.emplace_back(accept.results[i]);
    }
  }
  while (backend->in_flight() > 0) {
    backend->cancel_all();
    backend->wait(std::nullopt);
  }

  CHECK(accepted.size() == 200);
  const auto ended_by = [&](auto what) {
    return std::ranges::count_if(accepts, [&](const Noted& a) { return what(a.results.back()); });
  };
  CHECK(ended_by([](int result) { return result == -ENOBUFS; }) > 0);
  CHECK(ended_by([](int result) { return result == -EMFILE; }) > 0);
  CHECK(ended_by([](int result) { return result >= 0; }) > 0);
  for (const Noted& accept : accepts) CHECK(accept.ends == 1);
  CHECK(counts.shortages > 0);
  CHECK(counts.last_clients > 0);
}

TEST_CASE("Chaos: clients that an accept took although it was cancelled are told [T-03]") {
  const Socket listener = listen_at(loopback());
  const SocketAddress address = listener.local_address();
  std::vector<Socket> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(connect_to(address));
  const auto backend = make({.interrupted = 0, .shortages = 0});
  const auto unaccepted = open_descriptors();
  Noted accept;

  backend->submit(accept, request_of(Request::Kind::kAccept, listener));
  backend->cancel(accept);  // The kernel sees both at once, and the clients first.
  while (accept.in_flight()) backend->wait(std::nullopt);

  CHECK(accept.results.back() == -ECANCELED);
  accept.results.pop_back();
  CHECK(open_descriptors() == unaccepted + std::ssize(accept.results));
  CHECK(accept.results.size() > 0);
  for (const int fd : accept.results) const UniqueFd closed(fd);
}

TEST_CASE("Chaos: clients that were accepted and not told are told at the end [T-08]") {
  const auto before = open_descriptors();
  {
    ChaosOptions options = kCalm;
    options.delayed = 100;
    options.longest_delay = 20;
    const Socket listener = listen_at(loopback());
    const SocketAddress address = listener.local_address();
    std::vector<Socket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect_to(address));
    const auto backend = make(options);
    const auto unaccepted = open_descriptors();
    Noted accept;
    backend->submit(accept, request_of(Request::Kind::kAccept, listener));
    backend->wait(std::nullopt);
    CHECK(accept.results.empty());
    CHECK(open_descriptors() == unaccepted + 10);

    while (backend->in_flight() > 0) {
      backend->cancel_all();
      backend->wait(std::nullopt);
    }

    REQUIRE(accept.results.size() == 11);
    CHECK(accept.results.back() == -ECANCELED);
    accept.results.pop_back();
    for (const int fd : accept.results) const UniqueFd closed(fd);
  }
  CHECK(open_descriptors() == before);
}

// What a fixed program is told, as text.
std::string told_to_a_program(const ChaosOptions& options) {
  const auto backend = make(options);
  const auto [near, far] = unix_pair();
  std::string log;
  for (int round = 0; round < 100; ++round) {
    std::string bytes = counter_bytes(0, 100);
    std::string room(100, '\0');
    Noted send;
    Noted receive;
    backend->submit(send, request_of(Request::Kind::kSend, near, bytes.data(), bytes.size()));
    backend->submit(receive, receive_to(far, room));
    if (round % 3 == 0) backend->cancel(receive);
    int waits = 0;
    for (; backend->in_flight() > 0; ++waits) {
      if (waits == 5) backend->cancel_all();
      backend->wait(Nanoseconds::zero());
    }
    log += std::to_string(send.results.at(0)) + " " + std::to_string(receive.results.at(0)) + " " +
           std::to_string(waits) + "\n";
    receive_raw(far);
  }
  return log;
}

TEST_CASE("Chaos: the same seed decides the same, another one differently") {
  ChaosCounts first;
  ChaosCounts again;
  ChaosCounts other;
  const ChaosOptions options = {.interrupted = 20, .unknown = 5};
  const auto with = [&](std::uint32_t seed, ChaosCounts& counts) {
    ChaosOptions seeded = options;
    seeded.seed = seed;
    seeded.counts = &counts;
    return told_to_a_program(seeded);
  };

  const std::string log = with(7, first);

  CHECK(log == with(7, again));
  CHECK(first == again);
  CHECK(log != with(8, other));
  CHECK(first.delayed > 0);
  CHECK(first.permuted > 0);
  CHECK(first.shortened > 0);
  CHECK(first.interrupted > 0);
  CHECK(first.again > 0);
  CHECK(first.unknown > 0);
}

TEST_CASE("Chaos: a back end that still owns operations must not be destroyed") {
  const auto forget = [] {
    const Pipe pipe;
    Noted operation;
    const auto backend = make(kCalm);
    backend->submit(operation, poll_in(pipe));
  };

  check_dies(forget, "a back end is destroyed while it owns operations");
}

}  // namespace
}  // namespace brigade
