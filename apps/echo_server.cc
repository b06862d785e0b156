// Echoes what its clients send, on TCP or on a Unix socket, until SIGINT or SIGTERM.
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "CLI/CLI.hpp"
#include "brigade/apps/command_line.h"
#include "brigade/net/server.h"
#include "brigade/runtime/run_in_loop.h"
#include "brigade/runtime/run_sharded.h"
#include "brigade/runtime/signal.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/task_group.h"
#include "brigade/runtime/timeout.h"
#include "brigade/sync/lock.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kReadSize = 65536;
constexpr std::size_t kOnceSize = 4096;  // What the tutorial's server reads.
constexpr std::chrono::seconds kFinishLimit(5);
constexpr std::chrono::milliseconds kPause(20);  // In a request that comes in parts, at most.

struct Options {
  Endpoint endpoint;
  std::size_t threads = 1;
  Nanoseconds busy_poll{};
  Nanoseconds delay{};
  bool once = false;
  bool blocking = false;
  bool verbose = false;
};

/// A client being served.
class Session : public ListNode<Session> {
 public:
  enum class State { kBusy, kWaiting, kQuiet };

  explicit Session(IntrusiveList<Session>& all) : task_(current_task()) { all.push_back(*this); }
  ~Session() { unlink(); }

  /// Lets the client go if it has waited for a request since the last look.
  void look() noexcept {
    if (state == State::kQuiet) task_.cancel();
    state = state == State::kWaiting ? State::kQuiet : State::kBusy;
  }

  State state = State::kBusy;

 private:
  TaskRef task_;
};

/// What one thread serves.
class EchoServer {
 public:
  explicit EchoServer(const Options& options) : options_(options) {}

  Task<Server> listen(std::uint16_t port);

  /// When it is cancelled, stops accepting and finishes what is in flight.
  Task<void> serve_until_cancelled(Server& server);

 private:
  Task<void> serve(StreamReader reader, StreamWriter writer);
  Task<void> serve_in_turn(StreamReader reader, StreamWriter writer);
  Task<void> delay();
  Task<void> close(StreamWriter& writer);
  static void tell(std::size_t bytes, const StreamWriter& writer);
  Task<void> finish(const Server& server);

  const Options& options_;
  IntrusiveList<Session> sessions_;
  Lock counter_;  // --blocking: one client at a time.
};

// One coroutine, which waits for a request: what a client costs while it is idle. What is rarely
// done is in others.
Task<void> EchoServer::serve(StreamReader reader, StreamWriter writer) {
  Session session(sessions_);
  try {
    do {
      session.state = Session::State::kWaiting;
      const std::string_view bytes = co_await reader.read(options_.once ? kOnceSize : kReadSize);
      session.state = Session::State::kBusy;
      if (bytes.empty()) break;
      if (options_.verbose) tell(bytes.size(), writer);
      if (options_.delay > Nanoseconds::zero()) co_await delay();
      writer.write(bytes);
      co_await writer.drain();
    } while (!options_.once);
  } catch (const Cancelled&) {  // Let go; its last answer may still be on the way out.
    session.state = Session::State::kBusy;
  } catch (const std::system_error& error) {
    if (options_.verbose) std::printf("%s\n", error.what());
  }
  co_await close(writer);
}

Task<void> EchoServer::serve_in_turn(StreamReader reader, StreamWriter writer) {
  const Lock::Guard guard = co_await counter_.acquire();
  co_await serve(std::move(reader), std::move(writer));
}

Task<void> EchoServer::delay() { co_await sleep(options_.delay); }

Task<void> EchoServer::close(StreamWriter& writer) {
  writer.close();
  try {
    co_await writer.wait_closed();
  } catch (const std::system_error& error) {
    if (options_.verbose) std::printf("%s\n", error.what());
  }
}

void EchoServer::tell(std::size_t bytes, const StreamWriter& writer) {
  std::printf("%zu bytes from %s\n", bytes, writer.peer_address().to_string().c_str());
}

// A client is finished when it has its answers and has sent nothing for a pause.
Task<void> EchoServer::finish(const Server& server) {
  while (server.connections() > 0) {
    sessions_.for_each([](Session& session) { session.look(); });
    co_await sleep(kPause);
  }
}

Task<void> EchoServer::serve_until_cancelled(Server& server) {
  try {
    co_await server.serve_forever();
  } catch (const Cancelled&) {
  }
  try {
    co_await timeout(kFinishLimit, finish(server));
  } catch (const TimeoutError&) {
    std::fprintf(stderr, "echo_server: clients given up after 5 s: %zu\n", server.connections());
  }
}

Task<Server> EchoServer::listen(std::uint16_t port) {
  const Endpoint& at = options_.endpoint;
  StreamHandler handler = [this](StreamReader reader, StreamWriter writer) {
    return options_.blocking ? serve_in_turn(std::move(reader), std::move(writer))
                             : serve(std::move(reader), std::move(writer));
  };
  if (!at.unix_path.empty()) co_return co_await start_unix_server(std::move(handler), at.unix_path);
  const ServerOptions sharing{.reuse_port = options_.threads > 1};
  co_return co_await start_server(std::move(handler), at.host, port, sharing);
}

// One for each thread; they outlive all their clients.
using EchoServers = std::deque<EchoServer>;

// What the first thread asks the others for.
Task<void> serve_too(const Options& options, EchoServer& echo, std::uint16_t port) {
  Server server = co_await echo.listen(port);
  if (options.verbose) std::puts("one more thread listens");
  co_await echo.serve_until_cancelled(server);
}

// The body of a group: has all threads serve until a signal comes.
Task<void> serve_until_signalled(const Options& options, EchoServers& servers, Shard shard,
                                 Server& server, TaskGroup& group) {
  std::optional<Signals> signals(std::in_place, std::initializer_list<int>{SIGINT, SIGTERM});
  if (options.verbose) std::printf("%s\n", Loop::current().capabilities().to_string().c_str());
  for (const SocketAddress& address : server.addresses())
    std::printf("listening on %s\n", address.to_string().c_str());
  const std::uint16_t port = server.addresses()[0].port();
  for (std::size_t i = 1; i < shard.loops.size(); ++i)
    group.spawn(
        run_in_loop(*shard.loops[i], &serve_too, std::cref(options), std::ref(servers[i]), port));
  group.spawn(servers[0].serve_until_cancelled(server));
  co_await signals->wait();
  signals.reset();               // The next one ends the process at once, and
  std::signal(SIGINT, SIG_DFL);  // does not only cancel what run_sharded() runs.
  group.cancel();
}

Task<void> serve_as(const Options& options, EchoServers& servers, Shard shard) {
  if (shard.index > 0) co_return;
  Server server = co_await servers[0].listen(options.endpoint.port);
  co_await task_group(&serve_until_signalled, std::cref(options), std::ref(servers), shard,
                      std::ref(server));
}

// On all threads, until SIGINT or SIGTERM.
void serve(const Options& options) {
  EchoServers servers;
  for (std::size_t i = 0; i < options.threads; ++i) servers.emplace_back(options);
  const auto main = [&](Shard shard) { return serve_as(options, servers, shard); };
  run_sharded(options.threads, main, LoopOptions{.busy_poll = options.busy_poll});
}

void declare(CLI::App& app, Options& options) {
  add_endpoint(app, options.endpoint);
  app.add_option("--threads", options.threads,
                 "serve on so many threads, each with the clients that the kernel gives it")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->excludes("--unix");  // Linux spreads clients over listeners of TCP only.
  add_duration(app, "--busy-poll", options.busy_poll,
               "have a thread ask for I/O for so long before it sleeps");
  add_duration(app, "--delay", options.delay, "wait so long before each answer");
  app.add_flag("--once", options.once, "answer one message of up to 4096 bytes, then close");
  app.add_flag("--blocking", options.blocking, "serve one client at a time")->excludes("--threads");
  app.add_flag("--verbose", options.verbose,
               "print what is received, and what the loop asks the kernel by");
}

}  // namespace
}  // namespace brigade::apps

int main(int argc, char** argv) {
  using namespace brigade::apps;
  CLI::App app("Echoes what its clients send, until SIGINT or SIGTERM.", "echo_server");
  Options options;
  declare(app, options);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // Each line at once, also into a file or a pipe.
  return run_app(app, argc, argv, [&options] { serve(options); });
}
