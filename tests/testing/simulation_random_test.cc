// Random programs on random networks: servers, connections, locks, deadlines and cancels. Prints
// its seed; BRIGADE_SEED=<seed> plays the same programs again, step by step.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/semaphore.h"
#include "brigade/testing/simulation.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kClients = 8;
constexpr std::size_t kPermits = 3;
constexpr std::size_t kShare = 4000;  // bytes that a client sends
constexpr std::uint32_t kPrograms = kSanitized ? 40 : 200;

// A client's view of its connection, on which an echo answers.
struct Stream {
  Stream(StreamReader r, StreamWriter w) : reader(std::move(r)), writer(std::move(w)) {}
  StreamReader reader;
  StreamWriter writer;
  std::size_t written = 0;
  std::size_t read = 0;
};

struct Client {
  std::optional<TaskHandle<void>> handle = {};
  bool cancel_due = false;
  bool broken = false;  // by the network, or by itself
  bool ended = false;
};

// What the tasks of one program share, and what is counted to judge them.
struct World {
  World(std::uint32_t seed, bool tcp) : random(seed), over_tcp(tcp) {}

  std::size_t below(std::size_t n) { return random() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  Nanoseconds moment() { return Nanoseconds(below(3'000'000)); }
  void expect(bool ok, const char* rule) {
    if (!ok && broken_rule.empty()) broken_rule = rule;
  }

  std::mt19937 random;
  const bool over_tcp;
  Lock lock;
  Semaphore semaphore{kPermits};
  std::size_t lock_holders = 0;
  std::vector<Client> clients{kClients};
  std::uint64_t cancels = 0;
  std::uint64_t delivered = 0;
  std::uint64_t timeouts = 0;
  std::size_t whole = 0;   // clients that got everything back
  std::size_t broken = 0;  // clients whose connection broke
  std::string broken_rule = {};
};

Task<void> pause(World& world) {
  if (world.chance(50))
    co_await yield_now();
  else
    co_await sleep(world.moment());
}

Task<void> use_lock(World& world) {
  const Lock::Guard guard = co_await world.lock.acquire();
  world.expect(world.lock_holders == 0, "two tasks hold the lock");
  ++world.lock_holders;
  try {
    co_await pause(world);
  } catch (const Cancelled&) {
    --world.lock_holders;
    throw;
  }
  --world.lock_holders;
}

// Echoes what comes, at most kPermits at a time.
Task<void> serve(World* world, StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string_view bytes = co_await reader.read(1 + world->below(1000));
    if (bytes.empty()) co_return;
    writer.write(bytes);
    const Semaphore::Permit permit = co_await world->semaphore.acquire();
    co_await writer.drain();
    if (world->chance(20)) co_await pause(*world);
    if (world->chance(10)) co_await use_lock(*world);
  }
}

Task<void> read_once(World& world, Stream& stream, Client& self) {
  const std::size_t limit = 1 + world.below(700);
  const std::string_view bytes = co_await stream.reader.read(limit);
  world.expect(is_counter(bytes, stream.read), "bytes were lost, doubled or reordered");
  stream.read += bytes.size();
  world.expect(stream.read <= stream.written, "more came back than was sent");
  if (!bytes.empty()) co_return;
  world.expect(stream.written == kShare, "the stream ended before we ended ours");
  self.ended = true;
}

Task<void> write_once(World& world, Stream& stream) {
  const std::size_t count = std::min(kShare - stream.written, world.below(600));
  if (stream.written == kShare) co_return;
  stream.writer.write(counter_bytes(stream.written, count));
  stream.written += count;
  if (stream.written == kShare) stream.writer.write_eof();
  co_await stream.writer.drain();
}

Task<void> read_within(World& world, Stream& stream, Client& self) {
  try {
    co_await timeout(world.moment(), read_once(world, stream, self));
  } catch (const TimeoutError&) {
    ++world.timeouts;
  }
}

Task<void> any_step(World& world, Stream& stream, Client& self) {
  switch (world.below(6)) {
    case 0:
      co_return co_await read_within(world, stream, self);
    case 1:
      co_return co_await pause(world);
    case 2:
      co_return co_await use_lock(world);
    case 3:
      if (world.chance(1)) {
        stream.writer.abort();
        self.broken = true;
      }
      co_return;
    default:
      co_await write_once(world, stream);
      if (stream.written == kShare) co_await read_once(world, stream, self);
  }
}

// Goes on after a cancel, so that it meets many.
Task<void> step(World& world, Stream& stream, Client& self) {
  try {
    co_await any_step(world, stream, self);
    co_return;
  } catch (const Cancelled&) {
    ++world.delivered;
  } catch (const std::system_error&) {
    self.broken = true;
    co_return;
  }
  world.expect(std::exchange(self.cancel_due, false), "a Cancelled that nobody asked for");
}

Task<std::unique_ptr<Stream>> open_stream(World& world, SocketAddress address) {
  if (world.over_tcp) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", address.port());
    co_return std::make_unique<Stream>(std::move(reader), std::move(writer));
  }
  auto [reader, writer] = co_await open_unix_connection(address.to_string());
  co_return std::make_unique<Stream>(std::move(reader), std::move(writer));
}

Task<void> live(World& world, Client& self, SocketAddress address) {
  std::unique_ptr<Stream> stream;
  while (!stream) {
    try {
      stream = co_await open_stream(world, address);
    } catch (const Cancelled&) {
      ++world.delivered;
      self.cancel_due = false;
    }
  }
  while (!self.broken && !self.ended) co_await step(world, *stream, self);
  if (!self.broken) world.expect(stream->read == kShare, "not all came back");
  ++(self.broken ? world.broken : world.whole);
}

Task<void> sabotage(World& world) {
  co_await yield_now();  // A task that is cancelled before it starts never does.
  for (bool any_left = true; any_left;) {
    Client& client = world.clients[world.below(kClients)];
    if (client.handle->cancel()) {
      client.cancel_due = true;
      ++world.cancels;
    }
    co_await sleep(world.moment());
    any_left = false;
    for (const Client& each : world.clients) any_left = any_left || !each.handle->done();
  }
}

Task<void> play(World& world) {
  const StreamHandler handler = std::bind_front(&serve, &world);
  std::optional<Server> server;
  if (world.over_tcp)
    server.emplace(co_await start_server(handler, "127.0.0.1", 0));
  else
    server.emplace(co_await start_unix_server(handler, "/random"));
  const SocketAddress address = server->addresses().at(0);
  for (Client& client : world.clients) client.handle.emplace(spawn(live(world, client, address)));
  co_await sabotage(world);
  server->close();
  co_await server->wait_closed();
  for (const Client& client : world.clients)
    world.expect(client.handle->status() == TaskStatus::kFinished, "a client failed");
}

struct Outcome {
  std::string trace;
  std::uint64_t cancels = 0;
  std::uint64_t delivered = 0;
  std::uint64_t timeouts = 0;
  std::size_t whole = 0;
  std::size_t broken = 0;

  bool operator==(const Outcome&) const = default;
};

LoopOptions network_of(std::uint32_t seed, std::ostream& trace) {
  SimulationOptions network;
  network.seed = seed;
  network.buffer = 100 + seed % 7 * 400;
  network.resets = seed % 3 == 0 ? 20 : 0;
  network.longest_latency = seed % 4 == 0 ? 0us : 800us;
  network.trace = &trace;
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  options.make_backend = simulation(network);
  options.on_unhandled_error = [](const TaskRef&) {};  // Handlers whose connection broke.
  return options;
}

Outcome run_program(std::uint32_t seed) {
  INFO("seed=", seed);
  std::ostringstream trace;
  Loop loop(network_of(seed, trace));
  Outcome outcome;
  {
    World world(seed, seed % 2 == 0);
    loop.run_until_complete(play(world));
    CHECK(world.broken_rule == "");
    CHECK(world.lock_holders == 0);
    CHECK_FALSE(world.lock.locked());
    CHECK(world.semaphore.available() == kPermits);
    CHECK(world.delivered <= world.cancels);
    CHECK(world.whole + world.broken == kClients);
    outcome = {"", world.cancels, world.delivered, world.timeouts, world.whole, world.broken};
  }
  close_and_check(loop);
  outcome.trace = trace.str();
  return outcome;
}

TEST_CASE("Simulation: random programs lose and double no byte, permit or task") {
  const std::uint32_t seed = test_seed();
  Outcome all;
  for (std::uint32_t i = 0; i < kPrograms; ++i) {
    const Outcome one = run_program(seed + i);
    all.delivered += one.delivered;
    all.timeouts += one.timeouts;
    all.whole += one.whole;
    all.broken += one.broken;
  }

  std::printf("%zu clients whole, %zu broken, %llu cancels, %llu timeouts\n", all.whole, all.broken,
              static_cast<unsigned long long>(all.delivered),
              static_cast<unsigned long long>(all.timeouts));
  CHECK(all.whole > kPrograms);
  CHECK(all.broken > 0);
  CHECK(all.delivered > kPrograms);
  CHECK(all.timeouts > 0);
}

TEST_CASE("Simulation: a random program runs the same each time") {
  const std::uint32_t seed = test_seed();
  for (std::uint32_t i = 0; i < 12; ++i) {
    const Outcome first = run_program(seed + i);
    const Outcome second = run_program(seed + i);
    CAPTURE(seed + i);
    CHECK((first == second));
  }
  CHECK(run_program(seed).trace != run_program(seed + 4).trace);
}

}  // namespace
}  // namespace brigade
