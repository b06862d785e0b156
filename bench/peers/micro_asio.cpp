// asio's coroutines in one thread. It has neither locks nor semaphores; its queue is a channel.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

using asio::awaitable;
using asio::use_awaitable;
using Clock = std::chrono::steady_clock;
using Queue = asio::experimental::channel<void(asio::error_code, int)>;

constexpr int kMillion = 1'000'000;

double cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void print(const char* name, double value) {
  std::printf("{\"name\": \"%s\", \"value\": %.2f}\n", name, value);
}

awaitable<int> child(int n) { co_return n; }

awaitable<void> await_child() {
  for (int i = 0; i < kMillion; ++i) co_await child(i);
}

awaitable<void> spawn_one() {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < kMillion; ++i) co_await asio::co_spawn(executor, child(i), use_awaitable);
}

awaitable<void> spawn_many() {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < kMillion; ++i) asio::co_spawn(executor, child(i), asio::detached);
}

awaitable<void> yield() {
  for (int i = 0; i < kMillion; ++i) co_await asio::post(use_awaitable);
}

awaitable<void> queue() {
  Queue items(co_await asio::this_coro::executor, 1);
  for (int i = 0; i < kMillion; ++i) {
    co_await items.async_send(asio::error_code(), i, use_awaitable);
    co_await items.async_receive(use_awaitable);
  }
}

awaitable<void> take_all(Queue& items) {
  for (int i = 0; i < kMillion; ++i) co_await items.async_receive(use_awaitable);
}

awaitable<void> queue_of_two() {
  const auto executor = co_await asio::this_coro::executor;
  Queue items(executor, 100);
  std::optional<Queue> ended(std::in_place, executor, 1);
  asio::co_spawn(executor, take_all(items), [&](std::exception_ptr) { ended->close(); });
  for (int i = 0; i < kMillion; ++i)
    co_await items.async_send(asio::error_code(), i, use_awaitable);
  while (ended->is_open()) co_await asio::post(use_awaitable);
}

// The handler of a timer that was cancelled runs: that is a part of its price.
awaitable<void> timer() {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < kMillion; ++i) {
    asio::steady_timer timer(executor, std::chrono::hours(1));
    timer.async_wait([](asio::error_code) {});
    timer.cancel();
    if (i % 100 == 99) co_await asio::post(use_awaitable);
  }
}

// The time that `body` and all that it spawns take, per operation.
template <class Body>
void measure(const char* name, Body body, int operations) {
  asio::io_context context(1);
  const double before = cpu_ns();
  asio::co_spawn(context, body(), asio::detached);
  context.run();
  print(name, (cpu_ns() - before) / operations);
}

double resident_bytes() {
  long pages = 0;
  std::FILE* const statm = std::fopen("/proc/self/statm", "re");
  if (std::fscanf(statm, "%*d %ld", &pages) != 1) pages = 0;
  std::fclose(statm);
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE));
}

awaitable<void> sleeper(Clock::time_point deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  co_await timer.async_wait(use_awaitable);
}

// To deadlines in no order within 100 ms, far enough ahead for all to be asleep.
void sleepers() {
  constexpr std::uint32_t kSpread = 100'000'000;
  malloc_trim(0);
  asio::io_context context(1);
  const double bytes = resident_bytes();
  const Clock::time_point first = Clock::now() + std::chrono::seconds(4);
  const double before = cpu_ns();
  for (std::uint32_t i = 0; i < kMillion; ++i)
    asio::co_spawn(context, sleeper(first + std::chrono::nanoseconds(i * 2654435761U % kSpread)),
                   asio::detached);
  context.poll();
  print("sleepers", (cpu_ns() - before) / kMillion);
  print("sleeper bytes", (resident_bytes() - bytes) / kMillion);
  context.run();
  const std::chrono::duration<double, std::milli> late =
      Clock::now() - first - std::chrono::nanoseconds(kSpread - 1);
  print("sleepers late", late.count());
}

int main(int argc, char** argv) {
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  const auto wants = [&](const char* name) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  };
  if (wants("await")) measure("await", &await_child, kMillion);
  if (wants("spawn")) measure("spawn", &spawn_one, kMillion);
  if (wants("spawn many")) measure("spawn many", &spawn_many, kMillion);
  if (wants("yield")) measure("yield", &yield, kMillion);
  if (wants("queue")) measure("queue", &queue, kMillion);
  if (wants("queue of two")) measure("queue of two", &queue_of_two, kMillion);
  if (wants("timer")) measure("timer", &timer, kMillion);
  if (wants("sleepers")) sleepers();
}
