// Echoes what its clients send, on TCP or on a Unix socket, until SIGINT or SIGTERM.
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

#include "CLI/CLI.hpp"
#include "brigade/apps/command_line.h"
#include "brigade/net/server.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/sync/lock.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kReadSize = 65536;
constexpr std::size_t kOnceSize = 4096;  // What the tutorial's server reads.
constexpr std::chrono::seconds kFinishLimit(5);

struct Options {
  Endpoint endpoint;
  Nanoseconds delay{};
  bool once = false;
  bool blocking = false;
  bool verbose = false;
};

/// A client being served. One that waits for its next request has nothing in flight, and is let go
/// when the server stops.
class Session : public ListNode<Session> {
 public:
  explicit Session(IntrusiveList<Session>& all) : task_(current_task()) { all.push_back(*this); }
  ~Session() { unlink(); }

  bool idle = true;
  void let_go() const noexcept { task_.cancel(); }

 private:
  TaskRef task_;
};

class EchoServer {
 public:
  explicit EchoServer(const Options& options) : options_(options) {}

  Task<void> run();

 private:
  Task<void> serve(StreamReader reader, StreamWriter writer);
  Task<void> echo(StreamReader& reader, StreamWriter& writer);
  Task<void> stop(Server& server);

  const Options& options_;
  IntrusiveList<Session> sessions_;
  Lock counter_;  // --blocking: one client at a time.
  bool stopping_ = false;
};

Task<void> EchoServer::echo(StreamReader& reader, StreamWriter& writer) {
  Session session(sessions_);
  const std::string peer = options_.verbose ? writer.peer_address().to_string() : std::string();
  do {
    session.idle = true;
    const std::string_view bytes = co_await reader.read(options_.once ? kOnceSize : kReadSize);
    session.idle = false;
    if (bytes.empty()) break;
    if (options_.verbose) std::printf("%zu bytes from %s\n", bytes.size(), peer.c_str());
    if (options_.delay > Nanoseconds::zero()) co_await sleep(options_.delay);
    writer.write(bytes);
    co_await writer.drain();
  } while (!options_.once && !stopping_);
}

Task<void> EchoServer::serve(StreamReader reader, StreamWriter writer) {
  try {
    if (options_.blocking) {
      const Lock::Guard guard = co_await counter_.acquire();
      co_await echo(reader, writer);
    } else {
      co_await echo(reader, writer);
    }
  } catch (const std::system_error& error) {
    if (options_.verbose) std::printf("%s\n", error.what());
  }
}

/// SIGINT and SIGTERM, readable instead of deadly until one was taken.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    sigprocmask(SIG_BLOCK, &set_, nullptr);
    fd_ = UniqueFd(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_) throw_errno(-errno, "signalfd");
  }

  Task<void> take_one() {
    co_await wait_readable(fd_.get());
    signalfd_siginfo taken;
    while (::read(fd_.get(), &taken, sizeof taken) > 0) {
    }
    sigprocmask(SIG_UNBLOCK, &set_, nullptr);  // The next one ends the process at once.
  }

 private:
  sigset_t set_;
  UniqueFd fd_;
};

// Stops accepting, finishes what is in flight.
Task<void> EchoServer::stop(Server& server) {
  server.close();
  stopping_ = true;
  sessions_.for_each([](const Session& session) {
    if (session.idle) session.let_go();
  });
  try {
    co_await timeout(kFinishLimit, server.wait_closed());
  } catch (const TimeoutError&) {
    std::fprintf(stderr, "echo_server: gave up on %zu clients after 5 s\n", server.connections());
  }
}

Task<Server> listen(const Options& options, StreamHandler handler) {
  const Endpoint& at = options.endpoint;
  if (!at.unix_path.empty())
    co_return co_await start_unix_server(std::move(handler), at.unix_path);
  co_return co_await start_server(std::move(handler), at.host, at.port);
}

Task<void> EchoServer::run() {
  StopSignals signals;  // First, so that a thread that is started inherits the mask.
  StreamHandler handler = [this](StreamReader reader, StreamWriter writer) {
    return serve(std::move(reader), std::move(writer));
  };
  Server server = co_await listen(options_, std::move(handler));
  for (const SocketAddress& address : server.addresses())
    std::printf("listening on %s\n", address.to_string().c_str());
  std::fflush(stdout);
  co_await signals.take_one();
  co_await stop(server);
}

void declare(CLI::App& app, Options& options) {
  add_endpoint(app, options.endpoint);
  add_duration(app, "--delay", options.delay, "wait so long before each answer");
  app.add_flag("--once", options.once, "answer one message of up to 4096 bytes, then close");
  app.add_flag("--blocking", options.blocking, "serve one client at a time");
  app.add_flag("--verbose", options.verbose, "print what is received");
}

}  // namespace
}  // namespace brigade::apps

int main(int argc, char** argv) {
  using namespace brigade::apps;
  CLI::App app("Echoes what its clients send, until SIGINT or SIGTERM.", "echo_server");
  Options options;
  declare(app, options);
  return run_app(app, argc, argv, [&options] {
    EchoServer server(options);
    brigade::run(server.run());
  });
}
