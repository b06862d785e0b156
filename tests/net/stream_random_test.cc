// Random reads, writes, cancels and deadlines over several connections at once. Whatever happens to
// the tasks, the bytes must arrive once each and in order.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/seed.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kScale = kSanitized ? 10 : 1;
constexpr std::size_t kUsualCancels = 12'000 / kScale;
constexpr int kConnections = 6;
constexpr char kSeparator = '\x55';

struct Tally {
  std::size_t cancels = 0;  // that ended a read or a drain
  std::size_t timeouts = 0;
  std::size_t ends = 0;  // streams read to their end
};

// One direction of a connection. Shared by its tasks: a loop that closes ends them in any order.
class Stream {
 public:
  Stream(StreamReader r, StreamWriter w, std::uint32_t seed, std::shared_ptr<Tally> t)
      : reader(std::move(r)), writer(std::move(w)), tally(std::move(t)), random_(seed) {}

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  bool chance(unsigned percent) { return below(100) < percent; }
  Nanoseconds moment() { return std::chrono::microseconds(below(40)); }

  void write_counter(std::size_t count) {
    writer.write(counter_bytes(written, count));
    written += count;
  }
  void take(std::string_view bytes) {
    intact = intact && is_counter(bytes, read);
    read += bytes.size();
  }

  StreamReader reader;
  StreamWriter writer;
  const std::shared_ptr<Tally> tally;
  std::size_t written = 0;
  std::size_t read = 0;
  bool intact = true;
  bool enough = false;  // No more is to be written.
  bool ended = false;   // All was read.

 private:
  std::mt19937 random_;
};

using StreamPtr = std::shared_ptr<Stream>;
using Streams = std::vector<StreamPtr>;

// One read of any kind. Its bytes count only when it has returned them.
Task<void> read_once(StreamPtr stream, unsigned kind, std::size_t count) {
  const std::string separator(1, kSeparator);
  try {
    if (kind == 0) {
      const std::string_view bytes = co_await stream->reader.read(count);
      stream->take(bytes);
      stream->ended = bytes.empty();
    } else if (kind == 1) {
      const std::string_view bytes = co_await stream->reader.readexactly(count);
      stream->intact = stream->intact && bytes.size() == count;
      stream->take(bytes);
    } else {
      const std::string_view bytes = co_await stream->reader.readuntil(separator);
      stream->intact = stream->intact && bytes.find(kSeparator) == bytes.size() - 1;
      stream->take(bytes);
    }
  } catch (const IncompleteReadError& error) {
    stream->take(error.partial);
    stream->ended = stream->reader.at_eof();
  }
}

Task<void> read_once_within(StreamPtr stream, unsigned kind, std::size_t count) {
  try {
    co_await timeout(stream->moment(), read_once(stream, kind, count));
  } catch (const TimeoutError&) {
    ++stream->tally->timeouts;
  }
}

Task<void> drain_once(StreamPtr stream) { co_await stream->writer.drain(); }

// Time passes, or only turns.
Task<void> pause(StreamPtr stream) {
  if (stream->chance(50))
    co_await turns(static_cast<int>(stream->below(4)));
  else
    co_await sleep(stream->moment());
}

Task<void> cancel_soon(StreamPtr stream, TaskHandle<void> task) {
  co_await pause(stream);
  task.cancel();
  co_await wait_done(task);
  if (task.status() == TaskStatus::kCancelled)
    ++stream->tally->cancels;
  else
    task.result();  // Throws if it failed.
}

Task<void> read_randomly(StreamPtr stream) {
  while (!stream->ended) {
    const unsigned kind = stream->below(3);
    const std::size_t count = 1 + stream->below(stream->chance(10) ? 50'000 : 500);
    const unsigned way = stream->below(3);
    if (way == 0)
      co_await cancel_soon(stream, spawn(read_once(stream, kind, count)));
    else if (way == 1)
      co_await read_once_within(stream, kind, count);
    else
      co_await read_once(stream, kind, count);
  }
  ++stream->tally->ends;
}

Task<void> write_randomly(StreamPtr stream) {
  while (!stream->enough) {
    stream->write_counter(stream->below(stream->chance(3) ? 200'000 : 300));
    if (stream->chance(20))
      co_await cancel_soon(stream, spawn(drain_once(stream)));
    else if (stream->chance(80))
      co_await drain_once(stream);
    if (stream->chance(90)) co_await pause(stream);
  }
  stream->writer.write_eof();
}

// Two streams, one in each direction.
void add_connection(Streams& streams, SocketPair sockets, std::mt19937& random,
                    const std::shared_ptr<Tally>& tally) {
  if (random() % 2 == 0) shrink_buffers(sockets.first, 8192);
  auto [left_reader, left_writer] = open_streams(std::move(sockets.first));
  auto [right_reader, right_writer] = open_streams(std::move(sockets.second));
  const auto seed = [&random] { return static_cast<std::uint32_t>(random()); };
  streams.push_back(
      std::make_shared<Stream>(std::move(right_reader), std::move(left_writer), seed(), tally));
  streams.push_back(
      std::make_shared<Stream>(std::move(left_reader), std::move(right_writer), seed(), tally));
}

using Connect = SocketPair (*)(Loop* loop);

Streams connect_streams(Connect connect, std::mt19937& random) {
  const auto tally = std::make_shared<Tally>();
  Streams streams;
  for (int i = 0; i < kConnections; ++i)
    add_connection(streams, connect(this_loop()), random, tally);
  return streams;
}

Task<void> run_connections(Connect connect, std::mt19937& random) {
  const Streams streams = connect_streams(connect, random);
  const std::shared_ptr<Tally> tally = streams[0]->tally;
  std::vector<TaskHandle<void>> tasks;
  for (const StreamPtr& stream : streams) {
    tasks.push_back(spawn(read_randomly(stream)));
    tasks.push_back(spawn(write_randomly(stream)));
  }

  const std::size_t wanted = test_cancels(kUsualCancels);
  while (tally->cancels + tally->timeouts < wanted) co_await sleep(1ms);
  for (const StreamPtr& stream : streams) stream->enough = true;
  for (const TaskHandle<void>& task : tasks) co_await task;

  CHECK(tally->cancels >= wanted / 10);
  CHECK(tally->timeouts >= wanted / 100);
  CHECK(tally->ends == streams.size());
  for (const StreamPtr& stream : streams) {
    CHECK(stream->intact);
    CHECK(stream->read == stream->written);
  }
  std::printf("%zu cancels and %zu deadlines\n", tally->cancels, tally->timeouts);
}

TEST_CASE("Streams: random cancels and deadlines lose and double no byte, on Unix sockets [S-10]") {
  run_async([]() -> Task<void> {
    std::mt19937 random = seeded_random();
    co_await run_connections(&unix_pair, random);
  });
}

TEST_CASE("Streams: random cancels and deadlines lose and double no byte, over TCP [S-10]") {
  run_async_real([]() -> Task<void> {
    std::mt19937 random = seeded_random();
    co_await run_connections(&tcp_pair, random);
  });
}

// Ends this direction in the middle of everything: by a close, a reset, or in order.
Task<void> write_and_break(StreamPtr stream) {
  const unsigned share = stream->below(20'000);
  try {
    while (stream->written < share) {
      stream->write_counter(500);
      if (stream->chance(20)) co_await cancel_soon(stream, spawn(drain_once(stream)));
      co_await pause(stream);
    }
  } catch (const std::exception&) {
    co_return;  // The other direction was faster.
  }
  const unsigned way = stream->below(3);
  if (way == 0) stream->writer.close();
  if (way == 1) stream->writer.abort();
  if (way == 2) stream->writer.write_eof();
}

Task<void> read_to_any_end(StreamPtr stream) {
  try {
    while (!stream->ended) co_await read_once(stream, 0, 1000);
  } catch (const std::system_error& error) {
    CHECK(error.code() != std::errc::bad_address);  // Of a buffer that was freed too early.
  }
}

Task<void> break_connections(Connect connect, std::mt19937& random) {
  const Streams streams = connect_streams(connect, random);
  std::vector<TaskHandle<void>> readers;
  std::vector<TaskHandle<void>> writers;
  for (const StreamPtr& stream : streams) {
    readers.push_back(spawn(read_to_any_end(stream)));
    writers.push_back(spawn(write_and_break(stream)));
  }

  for (const TaskHandle<void>& task : writers) co_await task;
  for (const StreamPtr& stream : streams) stream->writer.close();
  for (const TaskHandle<void>& task : readers) co_await task;

  // What came is the beginning of what was written.
  bool intact = true;
  for (const StreamPtr& stream : streams)
    intact = intact && stream->intact && stream->read <= stream->written;
  CHECK(intact);
}

TEST_CASE("Streams: connections that break at random never deliver a wrong byte") {
  run_async_real([]() -> Task<void> {
    std::mt19937 random = seeded_random();
    for (std::size_t round = 0; round < 60 / kScale; ++round) {
      co_await break_connections(&unix_pair, random);
      co_await break_connections(&tcp_pair, random);
    }
  });
}

TEST_CASE("Loop: closed at a random moment, it leaves nothing of random streams behind") {
  std::mt19937 random = seeded_random();
  for (std::size_t round = 0; round < 200 / kScale; ++round) {
    const std::size_t turns_left = random() % 60;
    const Connect connect = round % 2 == 0 ? &unix_pair : &tcp_pair;
    LoopOptions options;
    options.on_unhandled_error = [](const TaskRef&) {};  // A peer that was closed first.
    Loop loop(loop_options(std::move(options)));
    detach(loop.spawn(run_connections(connect, random)));
    for (std::size_t i = 0; i < turns_left; ++i) loop.run_once();
    close_and_check(loop);
  }
}

}  // namespace
}  // namespace brigade
