#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/runtime/custom_backend.h"
#include "brigade/runtime/timer_heap.h"
#include "brigade/testing/simulation.h"

namespace brigade {

/// The sockets of testing/simulation.h, their names and what is on its way between them; who asks
/// by operations comes on top.
///
/// Errors:     a negative errno, as SocketCalls.
/// Complexity: O(log n), bind() O(names).
/// Threads:    one.
/// Lifetime:   must not outlive the loop.
class SimulatedSockets : public CustomBackend {
 public:
  SimulatedSockets(Loop& loop, const SimulationOptions& options);
  ~SimulatedSockets() override;

  int open(int family, int flags) noexcept override;
  int set_option(int fd, int level, int name, const void* value, socklen_t size) noexcept override;
  int bind(int fd, const sockaddr* address, socklen_t size) noexcept override;
  int listen(int fd, int backlog) noexcept override;
  int connect(int fd, const sockaddr* address, socklen_t size) noexcept override;
  int accept(int fd) noexcept override;
  int local_address(int fd, sockaddr* address, socklen_t& size) noexcept override;
  int peer_address(int fd, sockaddr* address, socklen_t& size) noexcept override;
  ssize_t send(int fd, const void* data, std::size_t size) noexcept override;
  ssize_t receive(int fd, void* data, std::size_t size) noexcept override;
  int shutdown(int fd, int how) noexcept override;
  void close(int fd) noexcept override;
  int status_of(const char* path, struct stat& status) noexcept override;
  int remove(const char* path) noexcept override;
  bool resolves_in_place() const noexcept override { return true; }

 protected:
  struct Pending;  // an operation
  struct End;
  using EndPtr = std::shared_ptr<End>;

  /// One socket.
  struct End {
    std::uint64_t id = 0;  // for the trace
    bool tcp = true;
    int family = 0;
    std::string local = {};  // sockaddr bytes; empty if it has none
    std::string peer = {};
    std::vector<Pending*> waiting = {};

    // A listener.
    bool listening = false;
    std::size_t backlog = 0;
    std::deque<EndPtr> clients = {};                 // connected, not accepted
    std::deque<std::weak_ptr<End>> connecting = {};  // They find the backlog full.

    // A connect under way, by an operation.
    std::optional<int> connect_result = {};
    bool connect_wanted = false;

    // An end of a connection.
    std::weak_ptr<End> other = {};
    bool connected = false;
    std::string input = {};
    std::size_t on_way = 0;  // bytes that will be input
    std::size_t capacity = 0;
    bool end_of_input = false;
    bool end_sent = false;
    bool broken = false;  // Nothing comes or goes any more.
    int error = 0;        // Told once, then it is an end.
    bool reset_on_close = false;
    bool closed = false;
    std::size_t deliveries = 0;  // under way to this end
    TimePoint last_delivery{};
    std::optional<unsigned> deliveries_left = {};  // until the connection breaks
  };

  /// Something changed that an operation on this socket may wait for.
  virtual void changed(End& end) noexcept = 0;

  static bool is_simulated(int fd) noexcept;
  EndPtr find(int fd) const noexcept;  // null for a number that is none

  void start_connect(const EndPtr& end, const sockaddr* address, socklen_t size) noexcept;
  void drop_connect(End& end) noexcept;
  int receive_from(End& end, char* data, std::size_t size) noexcept;
  unsigned readiness(const End& end) const noexcept;  // POLLIN and its kind

  bool chance(unsigned percent) noexcept { return random_() % 100 < percent; }
  std::size_t below(std::size_t limit) noexcept { return random_() % limit; }
  void note(const EndPtr& end, const std::string& event) const;

  const SimulationOptions options_;
  std::mt19937 random_;

 private:
  struct Name {
    std::weak_ptr<End> end;  // Gone: a file that a socket left behind.
    ino_t inode;
  };
  struct Arrival : Timer {
    explicit Arrival(SimulatedSockets& s) noexcept : Timer(&fire), sockets(s) {}
    static void fire(Timer& timer) noexcept { static_cast<Arrival&>(timer).sockets.run_due(); }
    SimulatedSockets& sockets;
  };

  int insert(EndPtr end) noexcept;  // returns its number
  bool is_taken(const std::string& address) const noexcept;
  std::uint16_t free_port(std::string address) noexcept;
  EndPtr listener_at(const std::string& address) const noexcept;
  int reach(const EndPtr& client, const std::string& address, bool waits) noexcept;
  EndPtr new_end(int family) noexcept;
  void establish(const EndPtr& client, const EndPtr& listener, const std::string& address) noexcept;
  void admit_next(const EndPtr& listener) noexcept;
  void stop_listening(const EndPtr& end) noexcept;
  void hang_up(const EndPtr& end) noexcept;

  Nanoseconds latency() noexcept;
  void at(TimePoint time, std::function<void()> event) noexcept;
  void deliver(const EndPtr& to, std::function<void()> event) noexcept;
  void deliver_bytes(const EndPtr& to, std::string_view bytes) noexcept;
  void deliver_end(const EndPtr& to, int error) noexcept;
  void deliver_refusal(const EndPtr& to) noexcept;
  void deliver_reset(const EndPtr& to) noexcept;
  void count_delivery(const EndPtr& to) noexcept;
  void break_end(const EndPtr& end) noexcept;
  void run_due() noexcept;
  void arm() noexcept;

  Loop& loop_;
  Arrival arrival_;
  std::multimap<TimePoint, std::function<void()>> events_;
  std::vector<EndPtr> sockets_;  // by number
  std::vector<int> free_;        // numbers
  std::map<std::string, Name> names_;
  ino_t next_inode_ = 1;
  std::uint64_t ends_ = 0;
  std::uint16_t next_port_ = 0;
};

}  // namespace brigade
