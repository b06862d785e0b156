// Loops, streams and servers on the chaos back end.
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/to_thread.h"
#include "brigade/testing/chaos.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

LoopOptions on(ChaosOptions options) {
  options.seed = test_seed();
  LoopOptions loop;
  loop.make_backend = chaos(options);
  return loop;
}

std::uint16_t port_of(const Server& server) { return server.addresses().at(0).port(); }

Task<void> write_blocks(StreamWriter& writer, std::size_t total, std::uint32_t seed) {
  std::mt19937 random(seed);
  for (std::size_t written = 0; written < total;) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 5000, total - written);
    writer.write(counter_bytes(written, size));
    written += size;
    co_await writer.drain();
  }
  writer.write_eof();
}

// Sends random blocks, and checks that they come back.
Task<void> check_echo(std::uint16_t port, std::uint32_t seed) {
  const std::size_t total = 1 + seed % 60'000;
  auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  const TaskHandle<void> writing = spawn(write_blocks(writer, total, seed));
  std::size_t position = 0;
  bool intact = true;
  for (;;) {
    const std::string_view bytes = co_await reader.read(1 + seed % 10'000);
    if (bytes.empty()) break;
    intact = intact && is_counter(bytes, position);
    position += bytes.size();
  }
  co_await writing;
  CHECK(intact);
  CHECK(position == total);
}

Task<void> echo_clients(std::size_t count) {
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  std::mt19937 random(test_seed());
  std::vector<TaskHandle<void>> clients;
  for (std::size_t i = 0; i < count; ++i)
    clients.push_back(spawn(check_echo(port_of(server), static_cast<std::uint32_t>(random()))));
  for (const TaskHandle<void>& client : clients) co_await client;
}

TEST_CASE("Server: fifty clients get back what they send, byte by byte, on chaos [S-15]") {
  ChaosCounts counts;
  ChaosOptions options;
  options.counts = &counts;

  run_async([]() -> Task<void> { co_await echo_clients(50); }, on(options));

  CHECK(counts.delayed > 10);
  CHECK(counts.permuted > 10);
  CHECK(counts.shortened > 10);
  CHECK(counts.interrupted > 0);
  CHECK(counts.again > 0);
  CHECK(counts.unknown == 0);
}

TEST_CASE("Server: the same on the real clock, where an accept that ends pauses [S-15]") {
  ChaosOptions options;
  options.shortages = 10;

  run_async_real([]() -> Task<void> { co_await echo_clients(20); }, on(options));
}

Task<void> read_some(StreamReader& reader) { co_await reader.read(10); }

Task<void> wait_read(int fd) { co_await wait_readable(fd); }

TEST_CASE("StreamReader: a result that no man page names is an error with its number [E-09]") {
  run_async(
      []() -> Task<void> {
        Link link(unix_pair());
        send_raw(link.peer, "bytes");
        int code = 0;
        std::string told;

        try {
          co_await read_some(link.reader);
        } catch (const std::system_error& error) {
          code = error.code().value();
          told = error.what();
        }

        CHECK(code == 512);
        CHECK(contains(told, "512"));
      },
      on({.unknown = 100}));
}

TEST_CASE("wait_readable: a result that no man page names is an error with its number [E-09]") {
  run_async(
      []() -> Task<void> {
        const Pipe pipe;

        const std::string told = co_await thrown_by(wait_read(pipe.reader.get()));

        CHECK(contains(told, "512"));
      },
      on({.unknown = 100}));
}

// Blocks until so many bytes have come, or for ten seconds; how many did.
Task<std::size_t> receive_on_a_thread(const Socket& peer, std::size_t count) {
  const timeval limit{10, 0};
  peer.set_option(SOL_SOCKET, SO_RCVTIMEO, limit);
  const int fd = peer.get();
  auto receive = [fd, count] {
    std::string bytes(count, '\0');
    const ssize_t got = ::recv(fd, bytes.data(), count, MSG_WAITALL);
    return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  };
  co_return co_await to_thread(std::move(receive));
}

TEST_CASE("StreamWriter: on chaos all of a write goes out while nothing else happens") {
  run_async_real(
      []() -> Task<void> {
        Link link(unix_pair());
        link.writer.write(counter_bytes(0, 1000));

        const std::size_t received = co_await receive_on_a_thread(link.peer, 1000);

        CHECK(received == 1000);
      },
      on({.shortened = 100}));
}

Task<void> hang_up(StreamReader, StreamWriter) { co_return; }

TEST_CASE("Server: a result of accept that no man page names does not end it [E-09][S-21]") {
  ChaosCounts counts;
  ChaosOptions options;
  options.shortages = 30;  // So that it accepts anew again and again.
  options.unknown = 50;
  options.counts = &counts;
  run_async(
      []() -> Task<void> {
        const Server server = co_await start_server(&hang_up, "127.0.0.1", 0);
        for (int i = 0; i < 100; ++i) {
          const Socket client = connect_to(server.addresses().at(0));
          char byte = 0;
          while (client.receive(&byte, 1) != 0) co_await sleep(1ms);
        }

        CHECK(server.connections() == 0);
      },
      on(options));
  CHECK(counts.unknown > 0);
  CHECK(counts.shortages > 0);
}

Task<void> use(std::uint16_t port) {
  auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  writer.write(std::string(300'000, 'x'));
  while (!reader.at_eof()) co_await reader.read(65536);
}

Task<void> serve_for_ever() {
  Server server = co_await start_server(&echo, "127.0.0.1", 0);
  for (int i = 0; i < 10; ++i) detach(spawn(use(port_of(server))));
  co_await server.serve_forever();
}

TEST_CASE("Loop: closed at any moment, it leaves nothing of what is held back [T-08]") {
  std::mt19937 random(test_seed());
  for (int round = 0; round < 60; ++round) {
    Loop loop(on({.delayed = 90, .longest_delay = 20, .shortages = 20}));
    detach(loop.spawn(serve_for_ever()));
    for (auto turns_left = random() % 100; turns_left > 0; --turns_left) loop.run_once();
    close_and_check(loop);
  }
}

}  // namespace
}  // namespace brigade
