#include "brigade/testing/simulation.h"

#include <cerrno>
#include <chrono>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/fake_host.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/descriptors.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

LoopOptions on(SimulationOptions options) {
  LoopOptions loop;
  loop.make_backend = simulation(options);
  return loop;
}

// Nothing happens but what the program does, at once.
SimulationOptions calm() {
  SimulationOptions options;
  options.longest_latency = Nanoseconds::zero();
  options.short_receives = options.short_sends = 0;
  return options;
}

Task<Server> echo_server() { return start_server(&echo, "127.0.0.1", 0); }

std::uint16_t port_of(const Server& server) { return server.addresses().at(0).port(); }

// An echo's answer to `text`, up to the end of the stream.
Task<std::string> ask(std::string host, std::uint16_t port, std::string text) {
  auto [reader, writer] = co_await open_connection(std::move(host), port);
  writer.write(text);
  writer.write_eof();
  std::string answer;
  while (!reader.at_eof()) answer += co_await reader.read(100);
  co_return answer;
}

Task<int> errno_of(Task<std::string> asking) {
  try {
    co_await std::move(asking);
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

Task<void> serve_several() {
  const FakeHost host("echo.test", {"127.0.0.1"});
  Server server = co_await echo_server();
  std::vector<TaskHandle<std::string>> clients;
  for (std::size_t i = 0; i < 5; ++i)
    clients.push_back(spawn(ask("echo.test", port_of(server), counter_bytes(i, 2000 * i))));
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string answer = co_await clients[i];
    CHECK(answer == counter_bytes(i, 2000 * i));
  }
  server.close();
  co_await server.wait_closed();
}

std::string trace_of(std::uint32_t seed) {
  std::ostringstream trace;
  SimulationOptions options;
  options.seed = seed;
  options.trace = &trace;
  run_async(&serve_several, on(options));
  return trace.str();
}

TEST_CASE("Simulation: the same seed is the same run, event by event; another seed is another") {
  const std::string first = trace_of(7);

  CHECK(trace_of(7) == first);
  CHECK(trace_of(8) != first);
  CHECK(contains(first, "gets the end of its stream"));
}

TEST_CASE("Simulation: servers and connections take no descriptor of the kernel's") {
  run_async(
      []() -> Task<void> {
        const std::ptrdiff_t before = open_descriptors();
        const Server tcp = co_await echo_server();
        const Server local = co_await start_unix_server(&echo, "/nowhere/s");
        auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(tcp));
        auto [other_reader, other_writer] = co_await open_unix_connection("/nowhere/s");
        const bool served = co_await is_served(reader, writer);
        const bool other_served = co_await is_served(other_reader, other_writer);

        CHECK(served);
        CHECK(other_served);
        CHECK(open_descriptors() == before);
        CHECK(Loop::current().ledger().descriptors == 6);
      },
      on(SimulationOptions()));
}

TEST_CASE("Simulation: on the virtual clock a delivery takes its latency to the nanosecond") {
  SimulationOptions options = calm();
  options.shortest_latency = options.longest_latency = 10ms;
  run_async(
      []() -> Task<void> {
        const Server server = co_await echo_server();
        auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
        const TimePoint connected = Loop::current().now();
        co_await is_served(reader, writer);

        CHECK(connected == TimePoint(10ms));
        CHECK(Loop::current().now() == TimePoint(30ms));
      },
      on(options));
}

TEST_CASE("Simulation: on the real clock the latency takes real time") {
  SimulationOptions options = calm();
  options.shortest_latency = options.longest_latency = 5ms;
  run_async_real(
      []() -> Task<void> {
        const TimePoint start = Loop::current().now();
        const Server server = co_await echo_server();
        const std::string answer = co_await ask("127.0.0.1", port_of(server), "ping");

        CHECK(answer == "ping");
        CHECK(Loop::current().now() >= start + 15ms);
      },
      on(options));
}

Task<void> wait_for_nobody() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
  co_await reader.read(1);  // The server waits for us.
}

TEST_CASE("Simulation: tasks that wait for each other are a deadlock, on either clock") {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    LoopOptions options = on(SimulationOptions());
    options.clock = clock;
    Loop loop(std::move(options));

    CHECK_THROWS_AS(loop.run_until_complete(wait_for_nobody()), DeadlockError);
    close_and_check(loop);
  }
}

Task<void> write_forever(StreamWriter& writer, std::size_t& written) {
  for (;;) {
    writer.write(std::string(1000, 'x'));
    written += 1000;
    co_await writer.drain();
  }
}

TEST_CASE("Simulation: a peer that does not read is felt when the buffer is full") {
  SimulationOptions options = calm();
  options.buffer = 5000;
  run_async(
      []() -> Task<void> {
        Link link(tcp_pair());
        std::size_t written = 0;
        const TaskHandle<void> writing = spawn(write_forever(link.writer, written));
        co_await settle();
        const std::size_t parked_at = written;
        const std::string received = receive_raw(link.peer);
        co_await settle();

        CHECK(received.size() == 5000);
        CHECK(parked_at > 65536 + 5000);  // The stream's own mark.
        CHECK(parked_at <= 65536 + 6000);
        writing.cancel();
      },
      on(options));
}

TEST_CASE("Simulation: short receives and sends cut what comes, and lose none of it") {
  SimulationOptions options = calm();
  options.short_receives = options.short_sends = 100;
  run_async(
      []() -> Task<void> {
        Link link(tcp_pair());
        link.writer.write(counter_bytes(0, 1000));
        co_await link.writer.drain();
        const std::string first = receive_raw(link.peer);
        link.writer.write_eof();
        const std::string rest = co_await receive_all(link.peer);
        send_raw(link.peer, std::string(1000, 'x'));
        const std::string_view read = co_await link.reader.read(1000);

        CHECK(first.size() < 1000);
        CHECK(first + rest == counter_bytes(0, 1000));
        CHECK(read.size() < 1000);
      },
      on(options));
}

TEST_CASE("Simulation: a connection that is reset breaks at both ends, behind a beginning") {
  SimulationOptions options = calm();
  options.resets = 100;
  run_async(
      []() -> Task<void> {
        Link link(tcp_pair());
        std::string received;
        int error = 0;
        for (std::size_t sent = 0; error == 0 && sent < 100; ++sent) {
          const std::string byte = counter_bytes(sent, 1);
          link.writer.write(byte);
          try {
            co_await link.writer.drain();
          } catch (const std::system_error& broken) {
            error = broken.code().value();
          }
          co_await settle();
          received += receive_raw(link.peer);
        }
        const int seen = co_await end_of(link.peer);

        CHECK(error == ECONNRESET);
        CHECK((seen == 0 || seen == ECONNRESET));  // Told once.
        CHECK(received.size() < 100);
        CHECK(is_counter(received, 0));
      },
      on(options));
}

TEST_CASE("Simulation: shortages pause the server, and every client is served in the end") {
  std::ostringstream trace;
  SimulationOptions options;
  options.shortages = 50;
  options.trace = &trace;
  run_async(
      []() -> Task<void> {
        const Server server = co_await echo_server();
        for (int i = 0; i < 20; ++i) {
          const std::string answer = co_await ask("127.0.0.1", port_of(server), "ping");
          CHECK(answer == "ping");
        }
        CHECK(Loop::current().now() > TimePoint(50ms));
      },
      on(options));
  CHECK(contains(trace.str(), std::to_string(-EMFILE)));
  CHECK(contains(trace.str(), std::to_string(-ENOBUFS)));
}

Task<void> wait_for_bytes(const Socket& socket) { co_await wait_readable(socket.get()); }

TEST_CASE("Simulation: the seed decides whether a cancel beats the result that comes with it") {
  static int cancelled = 0;
  cancelled = 0;
  constexpr int kRounds = 60;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    SimulationOptions options = calm();
    options.seed = seed;
    run_async(
        []() -> Task<void> {
          const auto [left, right] = tcp_pair();
          const TaskHandle<void> waiting = spawn(wait_for_bytes(left));
          co_await sleep(1ms);

          send_raw(right, "x");
          waiting.cancel();
          co_await wait_done(waiting);

          if (waiting.status() == TaskStatus::kCancelled) ++cancelled;
        },
        on(options));
  }
  CHECK(cancelled > 0);
  CHECK(cancelled < kRounds);
}

TEST_CASE("Simulation: two loops are two networks") {
  const BackendFactory make = simulation(calm());
  LoopOptions options;
  options.make_backend = make;
  Loop first(options);
  Loop second(options);
  const Server server = first.run_until_complete(echo_server());

  const int error = second.run_until_complete(errno_of(ask("127.0.0.1", port_of(server), "ping")));

  CHECK(error == ECONNREFUSED);
}

TEST_CASE("Simulation: what is sent to who has closed is answered by a reset") {
  run_async(
      []() -> Task<void> {
        Link link(tcp_pair());
        link.peer.reset();
        const std::string_view end = co_await link.reader.read(1);
        std::vector<std::string> thrown;
        const auto write_once = [](StreamWriter& writer) -> Task<void> {
          writer.write("x");
          co_await writer.drain();
        };
        for (int i = 0; i < 3; ++i) {
          thrown.push_back(co_await thrown_by(write_once(link.writer)));
          co_await settle();
        }

        CHECK(end.empty());
        CHECK(thrown[0] == "nothing");
        CHECK(thrown[1] == "nothing");  // It cannot know yet, as it is sent at the turn's end.
        CHECK(contains(thrown[2], "Broken pipe"));
      },
      on(calm()));
}

void close_under_an_operation() {
  Loop loop(on(calm()));
  auto [left, right] = tcp_pair(&loop);
  Operation receive([](Operation&, int, bool) noexcept {});
  char byte = 0;
  loop.submit(receive, Request{Request::Kind::kReceive, left.get(), &byte, 1, 0});
  left.reset();
}

TEST_CASE("Simulation: a socket that is closed under an operation ends the program") {
  check_dies(&close_under_an_operation,
             "a descriptor was closed while an operation on it was in flight");
}

}  // namespace
}  // namespace brigade
