// How simulated sockets are connected to each other.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "brigade/testing/simulated_address.h"
#include "brigade/testing/simulated_sockets.h"

namespace brigade {
namespace {

// Every address is this machine's, and none is the loopback.
AddressBytes destination(const sockaddr* address, socklen_t size) {
  AddressBytes name = address_bytes(address, size);
  const bool none = family_of(name) != AF_UNIX && is_wildcard(name);
  return none ? with_host(std::move(name), INADDR_LOOPBACK, in6addr_loopback) : name;
}

}  // namespace

SimulatedSockets::EndPtr SimulatedSockets::listener_at(const std::string& address) const noexcept {
  auto found = names_.find(address);
  if (found == names_.end() && family_of(address) != AF_UNIX)
    found = names_.find(with_host(address, INADDR_ANY, in6addr_any));
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
  const EndPtr server = new_end(client->family);
  if (client->tcp && client->local.empty()) {
    client->local = address;
    set_port(client->local, free_port(address));
  }
  client->peer = server->local = address;
  server->peer = client->local;
  server->capacity = listener->capacity;
  server->other = client;
  client->other = server;
  server->connected = client->connected = true;
  if (chance(options_.resets)) server->deliveries_left = 1 + static_cast<unsigned>(below(8));
  listener->clients.push_back(server);
  note(client, "is connected to socket " + std::to_string(server->id));
  changed(*listener);
}

int SimulatedSockets::connect(int fd, const sockaddr* address, socklen_t size) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (end->connected) return -EISCONN;
  return reach(end, destination(address, size), false);
}

void SimulatedSockets::start_connect(const EndPtr& end, const sockaddr* address,
                                     socklen_t size) noexcept {
  end->connect_result.reset();
  end->connect_wanted = true;
  deliver(end, [this, end, name = destination(address, size)] {
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
