#include "brigade/testing/simulated_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/loop.h"
#include "brigade/testing/simulated_address.h"

namespace brigade {
namespace {

constexpr int kFirstDescriptor = 1 << 30;  // The kernel's are below, whatever the limit.
constexpr std::uint16_t kFirstPort = 32768;
constexpr std::uint16_t kPorts = 28232;  // As ip_local_port_range(7) has it.

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
  return insert(new_end(family));
}

SimulatedSockets::EndPtr SimulatedSockets::new_end(int family) noexcept {
  const auto end = std::make_shared<End>();
  end->id = ++ends_;
  end->tcp = family != AF_UNIX;
  end->family = family;
  end->capacity = options_.buffer;
  return end;
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
  if (family_of(address) == AF_UNIX) return names_.contains(address);
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
  std::string name = address_bytes(address, size);
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

}  // namespace brigade
