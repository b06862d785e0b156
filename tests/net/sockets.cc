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
ssize_t receive_part(const UniqueFd& fd, std::string& out, std::size_t limit) {
  std::array<char, 65536> part;
  const ssize_t count = ::recv(fd.get(), part.data(), std::min(limit, part.size()), MSG_DONTWAIT);
  if (count < 0) return -errno;
  out.append(part.data(), static_cast<std::size_t>(count));
  return count;
}

UniqueFd new_socket(const SocketAddress& address, int flags = 0) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  check(bool(fd), "socket() failed");
  return fd;
}

std::pair<StreamReader, StreamWriter> limited_streams(UniqueFd fd, std::size_t limit) {
  auto* connection = new Connection(Loop::current(), std::move(fd));
  return {StreamReader(*connection, limit), StreamWriter(*connection)};
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

SocketPair unix_pair() {
  int ends[2] = {-1, -1};
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair() failed");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

SocketPair tcp_pair() {
  const UniqueFd listener = listen_at(loopback());
  UniqueFd peer = connect_to(SocketAddress::local_of(listener.get()));
  UniqueFd ours(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  check(bool(ours), "accept() failed");
  return {std::move(ours), std::move(peer)};
}

Link::Link(SocketPair sockets)
    : Link(open_streams(Loop::current(), std::move(sockets.first)), std::move(sockets.second)) {}

Link::Link(SocketPair sockets, std::size_t limit)
    : Link(limited_streams(std::move(sockets.first), limit), std::move(sockets.second)) {}

Link::Link(std::pair<StreamReader, StreamWriter> streams, UniqueFd other_end) noexcept
    : peer(std::move(other_end)),
      reader(std::move(streams.first)),
      writer(std::move(streams.second)) {}

SocketAddress loopback(std::uint16_t port) { return *SocketAddress::numeric("127.0.0.1", port); }
SocketAddress loopback6(std::uint16_t port) { return *SocketAddress::numeric("::1", port); }

UniqueFd bound_to(const SocketAddress& address) {
  UniqueFd fd = new_socket(address);
  check(::bind(fd.get(), address.data(), address.size()) == 0, "bind() failed");
  return fd;
}

UniqueFd listen_at(const SocketAddress& address, int backlog) {
  UniqueFd fd = bound_to(address);
  check(::listen(fd.get(), backlog) == 0, "listen() failed");
  return fd;
}

UniqueFd connect_to(const SocketAddress& address) {
  UniqueFd fd = new_socket(address);
  check(::connect(fd.get(), address.data(), address.size()) == 0, "connect() failed");
  return fd;
}

std::vector<UniqueFd> fill_backlog(const SocketAddress& address) {
  constexpr int kPatience = 50;  // ms for the kernel to connect over loopback
  std::vector<UniqueFd> clients;
  for (;;) {
    clients.push_back(new_socket(address, SOCK_NONBLOCK));
    const int fd = clients.back().get();
    if (::connect(fd, address.data(), address.size()) == 0) continue;
    pollfd ready{fd, POLLOUT, 0};
    if (errno != EINPROGRESS || ::poll(&ready, 1, kPatience) == 0) return clients;
  }
}

int refusal_of(const SocketAddress& address) {
  const UniqueFd fd = new_socket(address);
  return ::connect(fd.get(), address.data(), address.size()) == 0 ? 0 : errno;
}

void send_raw(const UniqueFd& fd, std::string_view bytes) {
  const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  check(sent == static_cast<ssize_t>(bytes.size()), "send() did not take all");
}

Task<void> send_all(const UniqueFd& fd, std::string bytes) {
  for (std::string_view left = bytes; !left.empty();) {
    co_await wait_writable(fd.get());
    const ssize_t sent = ::send(fd.get(), left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) throw_errno(-errno, "the peer's send()");
    left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
}

std::string receive_raw(const UniqueFd& fd, std::size_t limit) {
  std::string bytes;
  while (bytes.size() < limit && receive_part(fd, bytes, limit - bytes.size()) > 0) {
  }
  return bytes;
}

Task<std::string> receive_some(const UniqueFd& fd, std::size_t limit) {
  std::string bytes;
  for (;;) {
    co_await wait_readable(fd.get());
    const ssize_t result = receive_part(fd, bytes, limit);
    if (result >= 0) co_return bytes;
    if (result != -EAGAIN) throw_errno(static_cast<int>(result), "the peer's recv()");
  }
}

Task<std::string> receive_all(const UniqueFd& fd) {
  std::string all;
  for (;;) {
    const std::string part = co_await receive_some(fd);
    if (part.empty()) co_return all;
    all += part;
  }
}

Task<int> end_of(const UniqueFd& fd) {
  try {
    co_await receive_all(fd);
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

void end_writing(const UniqueFd& fd) {
  check(::shutdown(fd.get(), SHUT_WR) == 0, "shutdown() failed");
}

void reset(UniqueFd& fd) {
  const linger now{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd.reset();
}

void shrink_buffers(const UniqueFd& fd, int bytes) {
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
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

Task<bool> is_echoed(const UniqueFd& client) {
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
