#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "brigade/net/address.h"
#include "brigade/net/socket.h"
#include "tests/examples/program.h"

namespace brigade {

/// A program that runs beside the test; killed when the test is over, however it ends.
class Background {
 public:
  explicit Background(const std::string& command);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Parks until it has written, to stdout or stderr, a line that contains `part`, and returns it.
  /// Throws std::runtime_error with all lines if its output ends before.
  std::string line_with(std::string_view part);

  pid_t pid() const noexcept { return process_; }
  void signal(int number) const;

  /// Parks until it has ended; the output is what line_with() has not read.
  Ended wait();

 private:
  pid_t process_ = -1;
  std::FILE* output_ = nullptr;
};

/// An echo_server, on a port of its own, that is ready.
class EchoServer : public Background {
 public:
  explicit EchoServer(const std::string& options = "", const std::string& host = "127.0.0.1");

  const SocketAddress& address() const noexcept { return address_; }
  std::string port() const { return std::to_string(address_.port()); }
  Socket connect() const;

 private:
  SocketAddress address_;
};

/// Waits until nobody listens there: the kernel ends the accept of a killed process a little later
/// than the process.
void wait_until_refused(const SocketAddress& address);

/// Runs echo_client to its end.
inline Ended run_client(const std::string& options) {
  return run_program("apps/echo_client " + options);
}

/// On sockets that block; both throw std::system_error for a broken connection.
void send_fully(const Socket& fd, std::string_view bytes);
std::string receive_exactly(const Socket& fd, std::size_t size);  // less at the end of the stream

/// What is received up to the end of the stream.
std::string receive_rest(const Socket& fd);

}  // namespace brigade
