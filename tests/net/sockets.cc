#include "brigade/tests/net/sockets.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "brigade/runtime/check.h"
#include "brigade/runtime/error.h"
#include "brigade/runtime/loop.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/support/seed.h"

namespace brigade {
namespace {

// Bytes, 0 at the end, or a negative errno: EAGAIN if nothing has come.
ssize_t receive_part(const Socket& fd, std::string& out, std::size_t limit) {
  std::array<char, 65536> part;
  const ssize_t count = fd.receive(part.data(), std::min(limit, part.size()));
  if (count < 0) return count;
  out.append(part.data(), static_cast<std::size_t>(count));
  return count;
}

Socket new_socket(const SocketAddress& address, Loop* loop, int flags = 0) {
  Socket fd(loop);
  check(fd.open(address.family(), flags) >= 0, "socket() failed");
  return fd;
}

// The stream from `position` on, up to the end of its period: much faster than byte by byte.
std::string_view counter_piece(std::size_t position, std::size_t count) {
  static const std::string period = [] {
    std::string bytes;
    for (std::size_t i = 0; i < kCounterPeriod; ++i) bytes += counter_byte(i);
    return bytes;
  }();
  return std::string_view(period).substr(position % kCounterPeriod, count);
}

}  // namespace

Loop* this_loop() noexcept {
  return current_context == nullptr ? nullptr : &loop_of(*current_context);
}

SocketPair unix_pair(Loop* loop) {
  // An abstract name: unlike socketpair(2), every back end knows it.
  static int pairs = 0;
  const std::string name =
      '\0' + std::to_string(::getpid()) + ".brigade." + std::to_string(++pairs);
  const Socket listener = listen_at(SocketAddress::unix_path(name), 1, loop);
  Socket peer = connect_to(SocketAddress::unix_path(name), loop);
  return {accept_from(listener), std::move(peer)};
}

SocketPair tcp_pair(Loop* loop) {
  const Socket listener = listen_at(loopback(), 1, loop);
  Socket peer = connect_to(listener.local_address(), loop);
  return {accept_from(listener), std::move(peer)};
}

Link::Link(SocketPair sockets)
    : Link(open_streams(std::move(sockets.first)), std::move(sockets.second)) {}

Link::Link(SocketPair sockets, std::size_t limit) : Link(std::move(sockets)) {
  reader.set_limit(limit);
}

Link::Link(std::pair<StreamReader, StreamWriter> streams, Socket other_end) noexcept
    : peer(std::move(other_end)),
      reader(std::move(streams.first)),
      writer(std::move(streams.second)) {}

SocketAddress loopback(std::uint16_t port) { return *SocketAddress::numeric("127.0.0.1", port); }
SocketAddress loopback6(std::uint16_t port) { return *SocketAddress::numeric("::1", port); }

Socket bound_to(const SocketAddress& address, Loop* loop) {
  Socket fd = new_socket(address, loop);
  check(fd.bind(address) == 0, "bind() failed");
  return fd;
}

Socket listen_at(const SocketAddress& address, int backlog, Loop* loop) {
  Socket fd = bound_to(address, loop);
  check(fd.listen(backlog) == 0, "listen() failed");
  return fd;
}

Socket connect_to(const SocketAddress& address, Loop* loop) {
  Socket fd = new_socket(address, loop);
  check(fd.connect(address) == 0, "connect() failed");
  return fd;
}

Socket accept_from(const Socket& listener) {
  Socket client;
  check(listener.accept(client) >= 0, "accept() failed");
  return client;
}

std::vector<Socket> fill_backlog(const SocketAddress& address, Loop* loop) {
  constexpr int kPatience = 50;  // ms for the kernel to connect over loopback
  std::vector<Socket> clients;
  for (;;) {
    clients.push_back(new_socket(address, loop, SOCK_NONBLOCK));
    const int result = clients.back().connect(address);
    if (result == 0) continue;
    pollfd ready{clients.back().get(), POLLOUT, 0};
    if (result != -EINPROGRESS || ::poll(&ready, 1, kPatience) == 0) return clients;
  }
}

int refusal_of(const SocketAddress& address) {
  const Socket fd = new_socket(address, this_loop());
  return -fd.connect(address);
}

void send_raw(const Socket& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = fd.send(bytes);
    check(sent > 0, "send() did not take all");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

Task<void> send_all(const Socket& fd, std::string bytes) {
  for (std::string_view left = bytes; !left.empty();) {
    co_await wait_writable(fd.get());
    const ssize_t sent = fd.send(left);
    if (sent < 0 && sent != -EAGAIN) throw_errno(static_cast<int>(sent), "the peer's send()");
    left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
}

std::string receive_raw(const Socket& fd, std::size_t limit) {
  std::string bytes;
  while (bytes.size() < limit && receive_part(fd, bytes, limit - bytes.size()) > 0) {
  }
  return bytes;
}

Task<std::string> receive_some(const Socket& fd, std::size_t limit) {
  std::string bytes;
  for (;;) {
    co_await wait_readable(fd.get());
    const ssize_t result = receive_part(fd, bytes, limit);
    if (result >= 0) co_return bytes;
    if (result != -EAGAIN) throw_errno(static_cast<int>(result), "the peer's recv()");
  }
}

Task<std::string> receive_bytes(const Socket& fd, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    const std::string part = co_await receive_some(fd, bytes - all.size());
    if (part.empty()) break;
    all += part;
  }
  co_return all;
}

Task<std::string> receive_all(const Socket& fd) {
  std::string all;
  for (;;) {
    const std::string part = co_await receive_some(fd);
    if (part.empty()) co_return all;
    all += part;
  }
}

Task<int> end_of(const Socket& fd) {
  try {
    co_await receive_all(fd);
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

void end_writing(const Socket& fd) { check(fd.shutdown(SHUT_WR) == 0, "shutdown() failed"); }

void reset(Socket& fd) {
  const linger now{1, 0};
  fd.set_option(SOL_SOCKET, SO_LINGER, now);
  fd.reset();
}

void shrink_buffers(const Socket& fd, int bytes) {
  fd.set_option(SOL_SOCKET, SO_RCVBUF, bytes);
  fd.set_option(SOL_SOCKET, SO_SNDBUF, bytes);
}

std::string counter_bytes(std::size_t from, std::size_t count) {
  std::string bytes;
  bytes.reserve(count);
  while (bytes.size() < count) bytes += counter_piece(from + bytes.size(), count - bytes.size());
  return bytes;
}

bool is_counter(std::string_view bytes, std::size_t from) noexcept {
  while (!bytes.empty()) {
    const std::string_view expected = counter_piece(from, bytes.size());
    if (!bytes.starts_with(expected)) return false;
    from += expected.size();
    bytes.remove_prefix(expected.size());
  }
  return true;
}

std::mt19937 seeded_random() { return std::mt19937(test_seed()); }

Task<void> echo(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string_view bytes = co_await reader.read(65536);
    if (bytes.empty()) co_return;
    writer.write(bytes);
    co_await writer.drain();
  }
}

Task<bool> is_served(StreamReader& reader, StreamWriter& writer) {
  writer.write("ping\n");
  const std::string_view answer = co_await reader.readline();
  co_return answer == "ping\n";
}

Task<bool> is_echoed(const Socket& client) {
  send_raw(client, "ping");
  std::string answer;
  while (answer.size() < 4) {
    const std::string part = co_await receive_some(client);
    if (part.empty()) break;
    answer += part;
  }
  co_return answer == "ping";
}

Task<void> settle() { co_await sleep(std::chrono::milliseconds(1)); }

bool contains(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != text.npos;
}

ShortFolder::ShortFolder() {
  char path[] = "/tmp/brigade.XXXXXX";
  check(::mkdtemp(path) != nullptr, "mkdtemp() failed");
  path_ = path;
}

ShortFolder::~ShortFolder() { std::filesystem::remove_all(path_); }

}  // namespace brigade
