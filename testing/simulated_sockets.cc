#include "brigade/testing/simulated_sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/loop.h"

namespace brigade {
namespace {

constexpr int kFirstDescriptor = 1 << 30;  // The kernel's are below, whatever the limit.
constexpr std::uint16_t kFirstPort = 32768;
constexpr std::uint16_t kPorts = 28232;  // As ip_local_port_range(7) has it.

int family_of(const std::string& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.data())->sa_family;
}

bool is_internet(const std::string& address) noexcept { return family_of(address) != AF_UNIX; }

std::uint16_t port_of(const std::string& address) noexcept {
  return ntohs(reinterpret_cast<const sockaddr_in*>(address.data())->sin_port);  // in6's is there.
}

void set_port(std::string& address, std::uint16_t port) noexcept {
  reinterpret_cast<sockaddr_in*>(address.data())->sin_port = htons(port);
}

bool is_wildcard(const std::string& address) noexcept {
  if (family_of(address) == AF_INET)
    return reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr.s_addr == INADDR_ANY;
  const in6_addr& in6 = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  return std::memcmp(&in6, &in6addr_any, sizeof in6) == 0;
}

std::string with_host(std::string address, std::uint32_t in, const in6_addr& in6) {
  if (family_of(address) == AF_INET)
    reinterpret_cast<sockaddr_in*>(address.data())->sin_addr.s_addr = htonl(in);
  else
    reinterpret_cast<sockaddr_in6*>(address.data())->sin6_addr = in6;
  return address;
}

std::string wildcard_of(std::string address) {
  return with_host(std::move(address), INADDR_ANY, in6addr_any);
}

bool is_path(const std::string& address) noexcept {
  return !is_internet(address) && address[offsetof(sockaddr_un, sun_path)] != '\0';
}

std::string path_address(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::min(std::strlen(path), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path, length);
  return std::string(reinterpret_cast<const char*>(&address),
                     offsetof(sockaddr_un, sun_path) + length + 1);
}

std::string copy_of(const sockaddr* address, socklen_t size) {
  return std::string(reinterpret_cast<const char*>(address), size);
}

int give(const std::string& name, int family, sockaddr* address, socklen_t& size) noexcept {
  sockaddr none{};
  none.sa_family = static_cast<sa_family_t>(family);
  const std::string_view bytes =
      name.empty() ? std::string_view(reinterpret_cast<const char*>(&none), sizeof none.sa_family)
                   : std::string_view(name);
  std::memcpy(address, bytes.data(), std::min<std::size_t>(size, bytes.size()));
  size = static_cast<socklen_t>(bytes.size());
  return 0;
}

}  // namespace

SimulatedSockets::SimulatedSockets(Loop& loop, const SimulationOptions& options)
    : options_(options), random_(options.seed), loop_(loop), arrival_(*this) {}

SimulatedSockets::~SimulatedSockets() { loop_.disarm(arrival_); }

// Numbers.

bool SimulatedSockets::is_simulated(int fd) noexcept { return fd >= kFirstDescriptor; }

SimulatedSockets::EndPtr SimulatedSockets::find(int fd) const noexcept {
  const auto index = static_cast<std::size_t>(fd - kFirstDescriptor);
  return is_simulated(fd) && index < sockets_.size() ? sockets_[index] : nullptr;
}

// The number that was freed last, so that nobody goes on using one that is closed unnoticed.
int SimulatedSockets::insert(EndPtr end) noexcept {
  if (free_.empty()) {
    sockets_.push_back(std::move(end));
    return kFirstDescriptor + static_cast<int>(sockets_.size()) - 1;
  }
  const int fd = free_.back();
  free_.pop_back();
  sockets_[static_cast<std::size_t>(fd - kFirstDescriptor)] = std::move(end);
  return fd;
}

int SimulatedSockets::open(int family, int) noexcept {
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return -EAFNOSUPPORT;
  const auto end = std::make_shared<End>();
  end->tcp = family != AF_UNIX;
  end->family = family;
  end->capacity = options_.buffer;
  return insert(end);
}

int SimulatedSockets::set_option(int fd, int level, int name, const void* value,
                                 socklen_t) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (level != SOL_SOCKET) return 0;
  if (name == SO_LINGER) {
    const linger& wanted = *static_cast<const linger*>(value);
    end->reset_on_close = end->tcp && wanted.l_onoff != 0 && wanted.l_linger == 0;
  }
  const EndPtr other = end->other.lock();
  if (name == SO_RCVBUF || (name == SO_SNDBUF && other))
    (name == SO_RCVBUF ? end : other)->capacity =
        static_cast<std::size_t>(std::max(*static_cast<const int*>(value), 1));
  return 0;
}

void SimulatedSockets::close(int fd) noexcept {
  const EndPtr end = find(fd);
  check(bool(end), "a simulated descriptor is closed that is not open");
  sockets_[static_cast<std::size_t>(fd - kFirstDescriptor)].reset();
  free_.push_back(fd);
  stop_listening(end);
  hang_up(end);
}

// Names.

bool SimulatedSockets::is_taken(const std::string& address) const noexcept {
  if (!is_internet(address)) return names_.contains(address);
  return std::ranges::any_of(names_, [&](const auto& entry) {
    const std::string& other = entry.first;
    return family_of(other) == family_of(address) && port_of(other) == port_of(address) &&
           (other == address || is_wildcard(other) || is_wildcard(address));
  });
}

std::uint16_t SimulatedSockets::free_port(std::string address) noexcept {
  do {
    set_port(address, static_cast<std::uint16_t>(kFirstPort + next_port_));
    next_port_ = static_cast<std::uint16_t>((next_port_ + 1) % kPorts);
  } while (is_taken(address));
  return port_of(address);
}

int SimulatedSockets::bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  std::string name = copy_of(address, size);
  if (!end->local.empty() || family_of(name) != end->family) return -EINVAL;
  if (end->tcp && port_of(name) == 0) set_port(name, free_port(name));
  if (is_taken(name)) return -EADDRINUSE;
  names_[name] = {end, next_inode_++};
  end->local = std::move(name);
  return 0;
}

int SimulatedSockets::listen(int fd, int backlog) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (end->local.empty() || end->connected) return -EINVAL;
  end->listening = true;
  end->backlog = static_cast<std::size_t>(std::max(backlog, 0));
  return 0;
}

int SimulatedSockets::local_address(int fd, sockaddr* address, socklen_t& size) noexcept {
  const EndPtr end = find(fd);
  return end ? give(end->local, end->family, address, size) : -EBADF;
}

int SimulatedSockets::peer_address(int fd, sockaddr* address, socklen_t& size) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (!end->connected || (end->tcp && end->broken)) return -ENOTCONN;
  return give(end->peer, end->family, address, size);
}

int SimulatedSockets::status_of(const char* path, struct stat& status) noexcept {
  const auto found = names_.find(path_address(path));
  if (found == names_.end()) return -ENOENT;
  status.st_dev = 1;
  status.st_ino = found->second.inode;
  status.st_mode = S_IFSOCK | 0600;
  return 0;
}

int SimulatedSockets::remove(const char* path) noexcept {
  return names_.erase(path_address(path)) == 0 ? -ENOENT : 0;
}

// Connecting.

SimulatedSockets::EndPtr SimulatedSockets::listener_at(const std::string& address) const noexcept {
  auto found = names_.find(address);
  if (found == names_.end() && is_internet(address)) found = names_.find(wildcard_of(address));
  const EndPtr end = found == names_.end() ? nullptr : found->second.end.lock();
  return end && end->listening ? end : nullptr;
}

// Connects `client`, or says why not; -EAGAIN if the backlog is full.
int SimulatedSockets::reach(const EndPtr& client, const std::string& address, bool waits) noexcept {
  const EndPtr listener = listener_at(address);
  if (!listener) return is_path(address) && !names_.contains(address) ? -ENOENT : -ECONNREFUSED;
  if (listener->clients.size() <= listener->backlog) {
    establish(client, listener, address);
    return 0;
  }
  if (waits) {
    client->peer = address;
    listener->connecting.push_back(client);
  }
  return -EAGAIN;
}

void SimulatedSockets::establish(const EndPtr& client, const EndPtr& listener,
                                 const std::string& address) noexcept {
  const auto server = std::make_shared<End>();
  if (client->tcp && client->local.empty()) {
    client->local = address;
    set_port(client->local, free_port(address));
  }
  client->peer = server->local = address;
  server->peer = client->local;
  server->tcp = client->tcp;
  server->family = client->family;
  server->capacity = listener->capacity;
  server->other = client;
  client->other = server;
  server->connected = client->connected = true;
  if (chance(options_.resets)) server->deliveries_left = 1 + static_cast<unsigned>(below(8));
  listener->clients.push_back(server);
  note("a connect is answered");
  changed(*listener);
}

int SimulatedSockets::connect(int fd, const sockaddr* address, socklen_t size) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (end->connected) return -EISCONN;
  std::string name = copy_of(address, size);
  if (end->tcp && is_wildcard(name)) name = with_host(name, INADDR_LOOPBACK, in6addr_loopback);
  return reach(end, name, false);
}

void SimulatedSockets::start_connect(const EndPtr& end, const sockaddr* address,
                                     socklen_t size) noexcept {
  std::string name = copy_of(address, size);
  if (end->tcp && is_wildcard(name)) name = with_host(name, INADDR_LOOPBACK, in6addr_loopback);
  end->connect_result.reset();
  end->connect_wanted = true;
  deliver(end, [this, end, name] {
    if (!end->connect_wanted) return;
    const int result = end->connected ? -EISCONN : reach(end, name, true);
    if (result == -EAGAIN) return;
    end->connect_result = result;
    changed(*end);
  });
}

void SimulatedSockets::drop_connect(End& end) noexcept { end.connect_wanted = false; }

void SimulatedSockets::admit_next(const EndPtr& listener) noexcept {
  while (!listener->connecting.empty() && listener->clients.size() <= listener->backlog) {
    const EndPtr client = listener->connecting.front().lock();
    listener->connecting.pop_front();
    if (!client || !client->connect_wanted) continue;
    establish(client, listener, std::string(client->peer));
    client->connect_result = 0;
    changed(*client);
  }
}

int SimulatedSockets::accept(int fd) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (!end->listening) return -EINVAL;
  if (end->clients.empty()) return -EAGAIN;
  const int client = insert(end->clients.front());
  end->clients.pop_front();
  admit_next(end);
  return client;
}

void SimulatedSockets::stop_listening(const EndPtr& end) noexcept {
  const auto name = names_.find(end->local);
  const bool own = name != names_.end() && name->second.end.lock() == end;
  if (own && !is_path(end->local)) names_.erase(name);
  if (!std::exchange(end->listening, false)) return;
  for (const EndPtr& client : std::exchange(end->clients, {})) {
    client->reset_on_close = client->tcp;
    hang_up(client);
  }
  for (const std::weak_ptr<End>& waiting : std::exchange(end->connecting, {})) {
    const EndPtr client = waiting.lock();
    if (!client || !client->connect_wanted) continue;
    client->connect_result = -ECONNREFUSED;
    changed(*client);
  }
  changed(*end);
}

unsigned SimulatedSockets::readiness(const End& end) const noexcept {
  if (end.closed) return 0;
  if (end.listening) return end.clients.empty() ? 0 : POLLIN;
  unsigned events = 0;
  const EndPtr other = end.other.lock();
  const bool gone = !other || other->closed;
  if (!end.input.empty() || end.end_of_input || end.broken) events |= POLLIN;
  if (end.end_of_input || end.broken) events |= POLLRDHUP;
  if (gone || end.broken || other->input.size() + other->on_way < other->capacity)
    events |= POLLOUT;
  if (end.broken) events |= POLLERR | POLLHUP;
  return events;
}

}  // namespace brigade
