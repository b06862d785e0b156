// Whatever chaos has done, no task waits for what will never come: when it is over, all end soon.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/check.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/testing/chaos.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/forwarding_backend.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

// So many looks at the kernel suffice for all when it is calm; chaos needs five times as many.
constexpr std::uint64_t kBound = 200;

constinit bool calm = false;
constinit std::uint64_t looks = 0;
constinit std::uint64_t calm_at = 0;

// Ends the chaos at a certain look.
class Calming final : public ForwardingBackend<CustomBackend> {
 public:
  using ForwardingBackend::ForwardingBackend;
  void wait(std::optional<Nanoseconds> timeout) noexcept override {
    count();
    ForwardingBackend::wait(timeout);
  }
  void poll() noexcept override {
    count();
    ForwardingBackend::poll();
  }

 private:
  static void count() noexcept {
    calm = ++looks >= calm_at;
    check(looks < calm_at + kBound, "somebody still waits long after the chaos");
  }
};

Task<void> send_blocks(StreamWriter& writer, std::size_t total, std::uint32_t seed) {
  std::mt19937 random(seed);
  for (std::size_t sent = 0; sent < total;) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 6000, total - sent);
    writer.write(counter_bytes(sent, size));
    sent += size;
    if (random() % 2 == 0) co_await writer.drain();
    if (random() % 4 == 0) co_await yield_now();
  }
  writer.write_eof();
}

Task<void> read_blocks(StreamReader& reader, std::size_t total, std::size_t at_most) {
  std::size_t got = 0;
  for (;;) {
    const std::string_view bytes = co_await reader.read(at_most);
    if (bytes.empty()) break;
    check(is_counter(bytes, got), "a wrong byte");
    got += bytes.size();
  }
  check(got == total, "a byte is missing");
}

Task<void> echoed(std::uint16_t port, std::uint32_t seed) {
  const std::size_t total = 1 + seed % 30'000;
  auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  co_await gather(send_blocks(writer, total, seed), read_blocks(reader, total, 1 + seed % 5000));
}

// Clients of an echo server, every fourth of which is cancelled on its way.
Task<void> random_clients() {
  std::mt19937 random(test_seed() + static_cast<std::uint32_t>(calm_at));
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  std::vector<TaskHandle<void>> clients;
  for (int i = 0; i < 12; ++i) {
    const auto seed = static_cast<std::uint32_t>(random());
    clients.push_back(spawn(echoed(server.addresses().at(0).port(), seed)));
    co_await turns(static_cast<int>(random() % 10));
    if (i % 4 == 3) clients[random() % clients.size()].cancel();
  }
  for (const TaskHandle<void>& client : clients) co_await wait_done(client);
  for (const TaskHandle<void>& client : clients) {
    CHECK((client.status() == TaskStatus::kFinished || client.status() == TaskStatus::kCancelled));
  }
}

TEST_CASE("Chaos: when it is over every task ends within a bound, and lacks nothing [E-11]") {
  std::mt19937 random(test_seed());
  int cut_short = 0;
  for (int round = 0; round < 20; ++round) {
    ChaosOptions wild;
    wild.seed = test_seed() + static_cast<std::uint32_t>(round);
    wild.delayed = wild.interrupted = 90;
    wild.longest_delay = 10;
    wild.shortened = 95;
    wild.shortages = 50;
    wild.calm = &calm;
    calm = false;
    looks = 0;
    calm_at = 1 + random() % 400;
    LoopOptions options;
    options.make_backend = [wild](Loop& loop) {
      return std::make_unique<Calming>(chaos(wild)(loop));
    };

    run_async(&random_clients, options);

    cut_short += calm ? 1 : 0;
  }

  CHECK(cut_short == 20);
}

}  // namespace
}  // namespace brigade
