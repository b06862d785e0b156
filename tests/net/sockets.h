#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/net/address.h"
#include "brigade/net/socket.h"
#include "brigade/net/stream.h"
#include "brigade/runtime/task.h"

namespace brigade {

using SocketPair = std::pair<Socket, Socket>;

/// The loop of the task that runs, or none: then a socket is one of the kernel's. Raw sockets
/// belong to it, so that they can speak to what the loop simulates.
Loop* this_loop() noexcept;

/// Two raw sockets that are connected.
SocketPair unix_pair(Loop* loop = this_loop());
SocketPair tcp_pair(Loop* loop = this_loop());

/// A connection of the loop that runs: our streams at one end, a raw socket at the other.
struct Link {
  explicit Link(SocketPair sockets);
  Link(SocketPair sockets, std::size_t limit);  // of the reader

  Socket peer;
  StreamReader reader;
  StreamWriter writer;

 private:
  Link(std::pair<StreamReader, StreamWriter> streams, Socket other_end) noexcept;
};

/// 127.0.0.1, or ::1, and a port.
SocketAddress loopback(std::uint16_t port = 0);
SocketAddress loopback6(std::uint16_t port = 0);

Socket bound_to(const SocketAddress& address, Loop* loop = this_loop());
Socket listen_at(const SocketAddress& address, int backlog = 16, Loop* loop = this_loop());
Socket connect_to(const SocketAddress& address, Loop* loop = this_loop());

/// A client that has connected.
Socket accept_from(const Socket& listener);

/// Clients that fill the backlog of a listener that accepts nobody: the next one has to wait.
std::vector<Socket> fill_backlog(const SocketAddress& address, Loop* loop = this_loop());

/// 0, or the errno with which a new client is refused.
int refusal_of(const SocketAddress& address);

/// All of `bytes`, which must fit in the socket's buffer.
void send_raw(const Socket& fd, std::string_view bytes);

/// The same for any number of bytes; parks while the buffer is full.
Task<void> send_all(const Socket& fd, std::string bytes);

/// What has come up to now.
std::string receive_raw(const Socket& fd, std::size_t limit = 1 << 20);

/// Parks until there is something, and returns it; empty at the end of the stream. Throws
/// std::system_error after a reset.
Task<std::string> receive_some(const Socket& fd, std::size_t limit = 1 << 20);
Task<std::string> receive_bytes(const Socket& fd, std::size_t bytes);
Task<std::string> receive_all(const Socket& fd);

/// Parks until the stream has ended, dropping what comes; 0, or the errno that ended it.
Task<int> end_of(const Socket& fd);

void end_writing(const Socket& fd);
void reset(Socket& fd);  // closes it by RST
void shrink_buffers(const Socket& fd, int bytes);

/// Byte `position` of the streams that the tests send: a byte lost or doubled shows.
constexpr std::size_t kCounterPeriod = 65536;
constexpr char counter_byte(std::size_t position) noexcept {
  return static_cast<char>((position * 31 + (position >> 8) * 7) & 0xff);
}
std::string counter_bytes(std::size_t from, std::size_t count);
bool is_counter(std::string_view bytes, std::size_t from) noexcept;

/// A generator for a random test, from test_seed().
std::mt19937 seeded_random();

/// A handler: sends back what comes, up to the end.
Task<void> echo(StreamReader reader, StreamWriter writer);

/// Whether what a client sends comes back.
Task<bool> is_served(StreamReader& reader, StreamWriter& writer);
Task<bool> is_echoed(const Socket& client);

/// On the virtual clock: whatever can happen, happens first.
Task<void> settle();

bool contains(std::string_view text, std::string_view part) noexcept;

/// A folder under /tmp: the paths in it are short enough for a socket.
class ShortFolder {
 public:
  ShortFolder();
  ~ShortFolder();
  ShortFolder(const ShortFolder&) = delete;
  ShortFolder& operator=(const ShortFolder&) = delete;

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace brigade
