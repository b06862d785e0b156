// What the coroutine frames of an idle connection hold: the task, its handler and all that this one
// awaits, while it waits in read(). A server may have a million of them.
#include <cstddef>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "brigade/runtime/backend.h"
#include "brigade/runtime/frame_pool.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

// No call of a request is virtual, but those of a back end from outside.
static_assert(!std::is_polymorphic_v<Loop> && !std::is_polymorphic_v<TaskContext>);
static_assert(!std::is_polymorphic_v<Backend> && !std::is_polymorphic_v<Operation>);
static_assert(!std::is_polymorphic_v<Ring> && !std::is_polymorphic_v<Epoll>);
static_assert(!std::is_polymorphic_v<Waiter> && !std::is_polymorphic_v<Connection>);
static_assert(std::is_final_v<KernelSocketCalls>);  // So those it inherits are called directly.

constexpr std::size_t kReadSize = 65536;

struct Held {
  std::size_t frames;
  std::size_t bytes;
};

Held held() { return {FramePool::live(), FramePool::cut_bytes()}; }

Held at_read;  // By the client that came last.

Task<void> one_frame(StreamReader reader, StreamWriter writer) {
  at_read = held();
  for (;;) {
    const std::string_view bytes = co_await reader.read(kReadSize);
    if (bytes.empty()) co_return;
    writer.write(bytes);
    co_await writer.drain();
  }
}

Task<void> answer_all(StreamReader& reader, StreamWriter& writer) {
  at_read = held();
  for (;;) {
    const std::string_view bytes = co_await reader.read(kReadSize);
    if (bytes.empty()) co_return;
    writer.write(bytes);
    co_await writer.drain();
  }
}

Task<void> echo_and_close(StreamReader& reader, StreamWriter& writer) {
  co_await answer_all(reader, writer);
  writer.close();
  co_await writer.wait_closed();
}

Task<void> three_frames(StreamReader reader, StreamWriter writer) {
  co_await echo_and_close(reader, writer);
}

using Handler = Task<void> (*)(StreamReader, StreamWriter);

// Bytes that a client served by `handler` holds in its task and frames.
Task<std::size_t> bytes_of(Handler handler) {
  constexpr int kClients = 8;  // The first ones take what is allocated once, and frames that wait.
  std::vector<Link> links;
  Held before{};
  for (int i = 0; i < kClients; ++i) {
    Link& link = links.emplace_back(unix_pair());
    before = held();
    detach(spawn(handler(std::move(link.reader), std::move(link.writer))));
    co_await yield_now();
  }

  CHECK(at_read.frames >= before.frames + 2);  // The task and the handler, if nothing else.
  CHECK(FramePool::live() == at_read.frames);  // Reading takes none.
  co_return at_read.bytes - before.bytes;
}

// What is measured, and no more: who makes it more says why. GCC lays a frame out before it
// optimizes, clang afterwards, so this is what clang's take in a debug build.
struct Bounds {
  std::size_t gcc;
  std::size_t clang;
};

void check_at_most(std::size_t bytes, Bounds bounds) {
  if (kSanitized) {
    MESSAGE("not asserted under a sanitizer, which has frames of its own: bytes: ", bytes);
    return;
  }
  constexpr bool kClang = std::string_view(__VERSION__).find("Clang") != std::string_view::npos;
  CHECK(bytes <= (kClang ? bounds.clang : bounds.gcc));
}

// In a thread of its own: there no frames lie ready, so that each is cut.
void run_fresh(AsyncBody body) {
  std::thread([body] { run_async(body); }).join();
}

TEST_CASE("Frames: an idle connection whose handler is one coroutine is small") {
  run_fresh([]() -> Task<void> {
    const std::size_t bytes = co_await bytes_of(&one_frame);
    check_at_most(bytes, {448, 432});
  });
}

TEST_CASE("Frames: an idle connection whose handler is three coroutines deep is small") {
  run_fresh([]() -> Task<void> {
    const std::size_t bytes = co_await bytes_of(&three_frames);
    check_at_most(bytes, {720, 672});
  });
}

}  // namespace
}  // namespace brigade
