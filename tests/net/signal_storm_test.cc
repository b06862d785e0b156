// A signal 50 us after the other interrupts whatever system call is under way. Nobody may notice.
// It goes on until enough signals have come, however long that takes: while messages fly and the
// loop never sleeps, and after that, while it mostly does.
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/check.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr int kScale = kSanitized ? 10 : 1;
constexpr int kSignals = 2000 / kScale;   // in each of both parts
constexpr int kMessages = 1000 / kScale;  // each client
constexpr int kBursts = 20 / kScale;      // that fill the sockets, so that sends have to wait
constexpr std::size_t kBurst = 300'000;
constexpr int kClients = 4;

constinit std::atomic<int> signals{0};
timer_t timer{};

// Not a periodic timer: where a signal takes longer than the period nothing else would go on.
void arm_timer() {
  const itimerspec soon{{0, 0}, {0, 50'000}};
  check(::timer_settime(timer, 0, &soon, nullptr) == 0, "timer_settime() failed");
}

// SIGUSR1, as SIGALRM is the limit of the case.
class Storm {
 public:
  explicit Storm(int flags) {
    signals = 0;
    struct sigaction action{};
    action.sa_handler = [](int) {
      ++signals;
      arm_timer();
    };
    action.sa_flags = flags;
    check(::sigaction(SIGUSR1, &action, &before_) == 0, "sigaction() failed");
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    check(::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create() failed");
    arm_timer();
  }
  ~Storm() {
    ::signal(SIGUSR1, SIG_IGN);  // Drops one that is pending.
    ::timer_delete(timer);
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

 private:
  struct sigaction before_{};
};

struct Tally {
  bool over = false;
  int messages = 0;
  int naps = 0;
  int bytes = 0;
};

Task<void> echo_small(StreamReader& reader, StreamWriter& writer, Tally& tally) {
  for (int i = 0; i < kMessages || signals < kSignals; ++i) {
    const std::string message = counter_bytes(static_cast<std::size_t>(i), 1 + i % 200);
    writer.write(message);
    co_await writer.drain();
    const std::string_view answer = co_await reader.readexactly(message.size());
    check(answer == message, "the message comes back");
    ++tally.messages;
  }
}

Task<void> send_bursts(StreamWriter& writer) {
  for (int i = 0; i < kBursts; ++i) {
    writer.write(counter_bytes(static_cast<std::size_t>(i) * kBurst, kBurst));
    co_await writer.drain();
  }
  writer.write_eof();
}

Task<void> receive_bursts(StreamReader& reader) {
  std::size_t received = 0;
  for (;;) {
    const std::string_view bytes = co_await reader.read(100'000);
    if (bytes.empty()) break;
    check(is_counter(bytes, received), "the bytes come back in order");
    received += bytes.size();
  }
  check(received == kBursts * kBurst, "every byte comes back");
}

Task<void> be_client(const Server& server, Tally& tally) {
  auto [reader, writer] = co_await open_connection("127.0.0.1", server.addresses()[0].port());
  co_await echo_small(reader, writer, tally);
  const TaskHandle<void> sender = spawn(send_bursts(writer));
  co_await receive_bursts(reader);
  co_await sender;
}

// Longer than the time between two signals, so that the loop sleeps when they come.
Task<void> nap_often(Tally& tally) {
  while (!tally.over) {
    const TimePoint end = Loop::current().now() + 200us;
    co_await sleep_until(end);
    check(Loop::current().now() >= end, "no sleep ends early");
    ++tally.naps;
  }
}

Task<void> write_often(const Pipe& pipe, const Tally& tally) {
  while (!tally.over) {
    co_await sleep(100us);
    while (!tally.over) {
      co_await wait_writable(pipe.writer.get());
      if (::write(pipe.writer.get(), "x", 1) == 1) break;
      check(errno == EAGAIN || errno == EINTR, "write() failed");
    }
  }
  pipe.write_byte();  // The last one.
}

Task<void> read_often(const Pipe& pipe, Tally& tally) {
  while (!tally.over) {
    co_await wait_readable(pipe.reader.get());
    pipe.read_byte();
    ++tally.bytes;
  }
}

Task<void> live_in_a_storm(int flags) {
  const Storm storm(flags);
  const Pipe pipe;
  Tally tally;
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  std::vector<TaskHandle<void>> others;
  others.push_back(spawn(nap_often(tally)));
  others.push_back(spawn(write_often(pipe, tally)));
  others.push_back(spawn(read_often(pipe, tally)));
  std::vector<TaskHandle<void>> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(spawn(be_client(server, tally)));

  for (const TaskHandle<void>& client : clients) co_await client;
  const int busy = signals;
  const int naps = tally.naps;
  while (signals < busy + kSignals) co_await sleep(1ms);
  tally.over = true;
  for (const TaskHandle<void>& other : others) co_await other;

  CHECK(busy >= kSignals);
  CHECK(tally.messages >= kClients * kMessages);
  CHECK(tally.naps > naps);
  CHECK(tally.bytes > 0);
}

TEST_CASE("Loop: in a storm of signals EINTR never surfaces, and no byte is lost [T-30]") {
  run_async_real([]() -> Task<void> { co_await live_in_a_storm(0); });
}

TEST_CASE("Loop: in a storm of signals with SA_RESTART neither [T-30]") {
  run_async_real([]() -> Task<void> { co_await live_in_a_storm(SA_RESTART); });
}

}  // namespace
}  // namespace brigade
