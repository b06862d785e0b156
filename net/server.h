#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brigade/net/address.h"
#include "brigade/net/stream.h"
#include "brigade/runtime/task.h"

namespace brigade {

/// Serves one client. Runs in a task of its own; its connection closes when it has ended, after
/// what was written has gone out.
using StreamHandler = std::function<Task<void>(StreamReader, StreamWriter)>;

/// A server that is listening: each client is given to the handler in a new task.
///
/// Errors:       a handler that throws is reported as an error that nobody awaited, by the name of
///               its connection; it ends that connection and nothing else.
/// Cancellation: a cancelled serve_forever() closes the server; a cancelled wait_closed() only
///               stops waiting.
/// Complexity:   one kernel operation accepts all clients.
/// Threads:      loop-affine.
/// Lifetime:     the destructor closes; handlers go on. Must not outlive the loop.
/// Example:      examples/pong.cc
class Server {
 public:
  class Core;

  explicit Server(std::shared_ptr<Core> core) noexcept;
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();

  /// The addresses it listens on, with the real port if 0 was asked for.
  std::vector<SocketAddress> addresses() const;

  /// Clients that are being served.
  std::size_t connections() const noexcept;

  /// Refuses new clients from now on; those being served go on. Idempotent.
  void close() noexcept;

  /// Parks until the server is closed, and its last client served.
  Task<void> wait_closed();

  /// Parks until close(); a cancel closes.
  Task<void> serve_forever();

 private:
  std::shared_ptr<Core> core_;
};

struct ServerOptions {
  /// SO_REUSEPORT, socket(7): servers of the same user that all say so may listen on one port, as
  /// those of run_sharded() do. The kernel gives each client to one of them, by a hash of the
  /// addresses and ports; one that closes resets those it has not accepted. See docs/many_cores.md.
  bool reuse_port = false;
};

/// Listens on every address of `host` (all of the machine's if empty); port 0 takes a free one.
/// start_unix_server() listens on a path, with mode 0600, in place of a socket file that nobody
/// answers at; the file is removed on close. A path that starts with a NUL byte is abstract.
///
/// Errors: std::system_error naming the address, as EADDRINUSE; std::invalid_argument for a path
/// over 107 bytes.
Task<Server> start_server(StreamHandler handler, std::string host, std::uint16_t port,
                          ServerOptions options = {});
Task<Server> start_unix_server(StreamHandler handler, std::string path);

}  // namespace brigade
