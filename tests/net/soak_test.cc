// Clients come, are cancelled, break off and come again: nothing may pile up.
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = kSanitized ? 30 : 150;
constexpr int kClients = 8;
constexpr std::size_t kMaxGrowth = 1 << 20;  // bytes

/// BRIGADE_SOAK times as many rounds, for who has the time.
int rounds() {
  const char* const factor = std::getenv("BRIGADE_SOAK");
  return kRounds * (factor == nullptr ? 1 : std::max(1, std::atoi(factor)));
}

Task<void> visit(SocketAddress address, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto [reader, writer] = co_await open_connection("127.0.0.1", address.port());
  for (int i = 0; i < 20; ++i) {
    const std::string sent(1 + random() % 5000, static_cast<char>('a' + random() % 26));
    writer.write(sent);
    co_await writer.drain();
    const std::string_view received = co_await reader.readexactly(sent.size());
    CHECK(received == sent);
    const auto fate = random() % 30;
    if (fate == 0) throw std::runtime_error("enough");
    if (fate == 1) co_return writer.abort();
  }
}

Task<void> play_round(SocketAddress address, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<TaskHandle<void>> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(spawn(visit(address, random())));
  for (int i = 0; i < kClients; ++i) {
    co_await turns(static_cast<int>(random() % 8));
    if (random() % 2 == 0) clients[i].cancel();
  }
  for (const TaskHandle<void>& client : clients) {
    co_await wait_done(client);
    static_cast<void>(client.error());  // "enough"
  }
}

std::size_t bytes_in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What is being closed gets there; else this never ends. Operations are left out: the accept may be
// pausing.
Task<void> until_only(Ledger wanted) {
  wanted.frames += 1;  // This one.
  while (true) {
    Ledger now = Loop::current().ledger();
    now.operations = wanted.operations;
    if (now == wanted) co_return;
    co_await sleep(1ms);
  }
}

TEST_CASE("Server: after many clients that break off, all is as it was [E-10]") {
  LoopOptions quiet;
  quiet.on_unhandled_error = [](const TaskRef&) {};
  run_async_real(
      []() -> Task<void> {
        const Server server = co_await start_server(&echo, "127.0.0.1", 0);
        const SocketAddress address = server.addresses()[0];
        std::mt19937_64 random(test_seed());
        const Ledger before = Loop::current().ledger();
        std::size_t warm_bytes = 0;
        const int count = rounds();
        for (int round = 0; round < count; ++round) {
          co_await play_round(address, random());
          if (round != count / 3) continue;
          co_await until_only(before);
          warm_bytes = bytes_in_use();
        }

        co_await until_only(before);

        CHECK(server.connections() == 0);
        if (!kSanitized) CHECK(bytes_in_use() < warm_bytes + kMaxGrowth);
      },
      std::move(quiet));
}

}  // namespace
}  // namespace brigade
