// Connections and servers while memory runs out.
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/resolver.h"
#include "brigade/net/server.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/failures/every_allocation.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using Plan = FailNth::Plan;

void fail_every(Scenario scenario, const std::vector<std::string>& documented = {}) {
  fail_every_allocation(scenario, LoopOptions(), documented);
}

Task<void> connect_over_tcp(Plan plan) {
  const Socket listener = listen_at(loopback());
  const std::uint16_t port = listener.local_address().port();
  const FailNth guard(plan);
  auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  expect(writer.peer_address().port() == port, "it is connected");
}

TEST_CASE("Out of memory: open_connection() [T-27]") { fail_every(&connect_over_tcp); }

Task<void> connect_in_vain(Plan plan) {
  const Socket silent = bound_to(loopback());
  const std::uint16_t port = silent.local_address().port();
  std::error_code error;
  try {
    const FailNth guard(plan);
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  } catch (const std::system_error& refused) {
    error = refused.code();
  }
  expect(error == std::errc::connection_refused, "it is refused");
}

TEST_CASE("Out of memory: open_connection() that is refused [T-27]") {
  fail_every(&connect_in_vain);
}

Task<void> connect_over_unix(Plan plan) {
  const ShortFolder folder;
  const std::string path = folder / "s";
  const Socket listener = listen_at(SocketAddress::unix_path(path));
  const FailNth guard(plan);
  auto [reader, writer] = co_await open_unix_connection(path);
  const std::string peer = writer.peer_address().to_string();
  expect(peer == path, "it is connected");
}

TEST_CASE("Out of memory: open_unix_connection() [T-27]") { fail_every(&connect_over_unix); }

Task<void> serve_over_tcp(Plan plan) {
  const FailNth guard(plan);
  Server server = co_await start_server(&echo, "127.0.0.1", 0);
  expect(server.addresses()[0].port() != 0, "it listens");
  server.close();
  co_await server.wait_closed();
}

TEST_CASE("Out of memory: start_server() [T-27]") { fail_every(&serve_over_tcp); }

Task<void> serve_over_unix(Plan plan) {
  const ShortFolder folder;
  const std::string path = folder / "s";
  std::exception_ptr error;
  try {
    const FailNth guard(plan);
    const Server server = co_await start_unix_server(&echo, path);
    expect(::access(path.c_str(), F_OK) == 0, "it listens");
  } catch (...) {
    error = std::current_exception();
  }
  expect(::access(path.c_str(), F_OK) != 0, "no socket file is left behind");
  if (error) std::rethrow_exception(error);
}

TEST_CASE("Out of memory: start_unix_server() [T-27]") { fail_every(&serve_over_unix); }

// Bytes, or 0 when the other end is gone.
Task<std::size_t> answer_size(int fd) {
  std::size_t size = 0;
  while (size < 4) {
    co_await wait_readable(fd);
    char answer[16];
    const ssize_t count = ::read(fd, answer, sizeof answer);
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  co_return size;
}

Task<void> accept_and_handle(Plan plan) {
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  const SocketAddress address = server.addresses()[0];
  {
    const Socket client = connect_to(address);
    const TaskHandle<std::size_t> answer = spawn(answer_size(client.get()));
    co_await yield_now();
    send_raw(client, "four");
    const FailNth guard(plan);
    const std::size_t size = co_await answer;
    expect(size == 4 || (size == 0 && FailNth::failures() > 0), "it is served, or turned away");
  }
  const Socket next = connect_to(address);
  const bool served = co_await is_echoed(next);
  expect(served, "the next client is served");
}

TEST_CASE("Out of memory: a server turns a client away and serves the next [T-27]") {
  fail_every(&accept_and_handle);
}

Task<void> read_some(Plan plan) {
  Link link(unix_pair());
  send_raw(link.peer, "hello");
  const FailNth guard(plan);
  const std::string_view bytes = co_await link.reader.read(100);
  expect(bytes == "hello", "the bytes are read");
}

// What came by a multishot receive, and finds no memory, breaks the connection.
const std::vector<std::string> kLost = {"Cannot allocate memory"};

// Chaos hands it over within its verbs, where nothing fails.
bool takes_pieces_where_memory_may_fail() { return !loop_options().make_backend; }

TEST_CASE("Out of memory: read() [T-27]") {
  if (takes_pieces_where_memory_may_fail()) fail_every(&read_some, kLost);
}

Task<void> read_a_long_line(Plan plan) {
  Link link(unix_pair());
  const std::string line = std::string(60000, 'x') + "\n";
  send_raw(link.peer, line);
  const FailNth guard(plan);
  const std::string_view bytes = co_await link.reader.readline();
  expect(bytes == line, "the line is read");
}

TEST_CASE("Out of memory: readline(), while the buffer grows [T-27]") {
  if (takes_pieces_where_memory_may_fail()) fail_every(&read_a_long_line, kLost);
}

Task<void> read_too_much(Plan plan) {
  Link link(unix_pair());
  send_raw(link.peer, "an end that comes early");
  end_writing(link.peer);
  std::string_view bytes = co_await link.reader.read(3);
  bool incomplete = false;
  std::exception_ptr error;
  try {
    const FailNth guard(plan);
    bytes = co_await link.reader.readexactly(100);
  } catch (const IncompleteReadError& end) {
    incomplete = end.partial == "end that comes early";
  } catch (...) {
    error = std::current_exception();
  }
  expect(incomplete || error, "the end is told, with what had come");
  bytes = co_await link.reader.read(100);
  expect(incomplete == bytes.empty(), "what was not told of is still there");
  if (error) std::rethrow_exception(error);
}

TEST_CASE("Out of memory: the error of an early end takes the bytes, or none [T-27]") {
  fail_every(&read_too_much);
}

// Reads to the end without an allocation; the bytes must be those of counter_bytes().
Task<std::size_t> swallow(int fd) {
  std::size_t count = 0;
  for (;;) {
    co_await wait_readable(fd);
    char part[1024];
    const ssize_t n = ::read(fd, part, sizeof part);
    if (n < 0 && errno == EAGAIN) continue;
    if (n <= 0) co_return count;
    const std::string_view bytes(part, static_cast<std::size_t>(n));
    expect(is_counter(bytes, count), "the bytes come in order");
    count += bytes.size();
  }
}

constexpr std::size_t kBlock = 50000;
const std::string kBytes = counter_bytes(0, 8 * kBlock);

Task<void> write_and_drain(Plan plan) {
  Link link(unix_pair());
  const TaskHandle<std::size_t> peer = spawn(swallow(link.peer.get()));
  co_await yield_now();
  std::size_t written = 0;
  std::exception_ptr error;
  try {
    const FailNth guard(plan);
    while (written < kBytes.size()) {
      link.writer.write(std::string_view(kBytes).substr(written, kBlock));
      written += kBlock;
      co_await link.writer.drain();
    }
  } catch (...) {
    error = std::current_exception();
  }
  link.writer.close();
  const std::size_t swallowed = co_await peer;
  co_await link.writer.wait_closed();  // Throws if the connection broke.
  expect(swallowed == written, "what write() took arrives");
  if (error) std::rethrow_exception(error);
}

TEST_CASE("Out of memory: write() and drain() [T-27]") { fail_every(&write_and_drain); }

Task<void> close_with_unsent_bytes(Plan plan) {
  Link link(unix_pair());
  shrink_buffers(link.peer, 4096);
  link.writer.write(kBytes);
  {
    const FailNth guard(plan);
    link.writer.close();
  }
  const TaskHandle<std::size_t> peer = spawn(swallow(link.peer.get()));
  co_await link.writer.wait_closed();
  const std::size_t swallowed = co_await peer;
  expect(swallowed == kBytes.size(), "what was written arrives");
}

TEST_CASE("Out of memory: close() while bytes are unsent [T-27]") {
  fail_every(&close_with_unsent_bytes, {"Cannot allocate memory"});  // For the time limit.
}

Task<void> post_and_wait(Plan plan) {
  Loop& loop = Loop::current();
  auto ran = std::make_shared<bool>(false);
  const std::string text(100, 'x');
  {
    const FailNth guard(plan);
    loop.post([ran, text] { *ran = text.size() == 100; });
  }
  // A look at the door comes once per turn.
  for (int i = 0; i < 1000 && !*ran; ++i) co_await yield_now();
  expect(*ran, "what was posted runs");
}

TEST_CASE("Out of memory: post() [T-27]") { fail_every(&post_and_wait); }

Task<void> resolve_digits(Plan plan) {
  const FailNth guard(plan);
  const std::vector<SocketAddress> found = co_await resolve("127.0.0.1", 80);
  expect(found.size() == 1 && found[0].port() == 80, "digits are an address");
}

Task<void> resolve_name(Plan plan) {
  const FailNth guard(plan);
  const std::vector<SocketAddress> found = co_await resolve("localhost", 80);
  expect(!found.empty() && found[0].port() == 80, "the name has an address");
}

TEST_CASE("Out of memory: resolve(), on either thread [T-27]") {
  fail_every(&resolve_digits);
  fail_every(&resolve_name);
}

}  // namespace
}  // namespace brigade
