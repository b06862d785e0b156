#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>

#include "brigade/net/address.h"
#include "brigade/net/socket.h"
#include "brigade/runtime/loop.h"

namespace brigade {

/// One listening socket. While it is open the kernel holds one accept, which completes for each
/// connection. What comes after close() is closed at once: a connection always has an owner.
///
/// An accept that fails is repeated. Running out of descriptors or memory, or failing again before
/// a client came, pauses it for 50 ms, doubled up to 1 s, and is told on stderr at most once a
/// second; the clients wait in the backlog meanwhile.
///
/// Lifetime: shared with its accept; Accepted must not outlive what it refers to before close().
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using Accepted = std::function<void(Socket)>;

  /// Binds and listens. Throws std::system_error that names the address.
  static std::shared_ptr<Listener> open(Loop& loop, const SocketAddress& address, Accepted accepted,
                                        bool reuse_port);

  Listener(Socket socket, Accepted accepted);
  ~Listener();

  void start() noexcept;

  /// Refuses connections from now on; the descriptor closes when the kernel has let go of it.
  void close() noexcept;
  bool closed() const noexcept { return !socket_; }

  SocketAddress address() const noexcept { return address_; }

 private:
  struct Accept : Operation {
    explicit Accept(Listener& l) noexcept : Operation(&completed), listener(l) {}
    static void completed(Operation& operation, int result, bool more) noexcept;
    Listener& listener;
  };
  struct Pause : Timer {
    explicit Pause(Listener& l) noexcept : Timer(&fire), listener(l) {}
    static void fire(Timer& timer) noexcept { static_cast<Pause&>(timer).listener.start(); }
    Listener& listener;
  };

  void handle(int result, bool more) noexcept;
  void pause(int error) noexcept;
  void remove_path() noexcept;

  Loop& loop_;
  Socket socket_;
  const SocketAddress address_;
  Accepted accepted_;
  Accept accept_;
  Pause pause_;
  Nanoseconds pause_time_;
  TimePoint next_report_{};
  std::shared_ptr<Listener> self_;  // While the kernel holds the accept.
  struct stat path_{};              // The socket file we made, so that we remove no other.
  bool failed_ = false;             // Since the last client.
  bool closing_ = false;
};

}  // namespace brigade
