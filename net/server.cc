#include "brigade/net/server.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "brigade/net/listener.h"
#include "brigade/net/resolver.h"
#include "brigade/runtime/repr.h"

namespace brigade {

// What the server, its listeners and its sessions share.
class Server::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Loop& loop, StreamHandler handler) : loop_(loop), handler_(std::move(handler)) {}

  void listen(const SocketAddress& address, bool reuse_port) {
    listeners_.push_back(Listener::open(
        loop_, address, [this](Socket client) { accepted(std::move(client)); }, reuse_port));
  }
  void start() noexcept {
    for (const auto& listener : listeners_) listener->start();
  }

  void close() noexcept {
    closing_ = true;
    for (const auto& listener : listeners_) listener->close();
    wake_waiters();
  }

  bool closing() const noexcept { return closing_; }
  bool finished() const noexcept { return closing_ && sessions_ == 0; }
  std::size_t sessions() const noexcept { return sessions_; }
  const std::vector<std::shared_ptr<Listener>>& listeners() const noexcept { return listeners_; }

  // Parks until close(), or until the last session has ended too.
  class Wait : public Waiter {
   public:
    Wait(Core& core, bool sessions) noexcept : Waiter(kKind), core_(core), sessions_(sessions) {}
    bool await_ready() const noexcept { return over(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (!park(coroutine)) return false;
      core_.waiters_.push_back(*this);
      return true;
    }
    void await_resume() { throw_if_cancelled(); }
    bool over() const noexcept { return sessions_ ? core_.finished() : core_.closing(); }

   private:
    static constexpr Kind kKind{"a server to close", &unlink_and_wake};
    Core& core_;
    const bool sessions_;
  };

 private:
  // Tells the server when the task of a client has ended.
  struct Session : Joiner {
    explicit Session(std::shared_ptr<Core> c) noexcept : Joiner(&ended), core(std::move(c)) {}
    static void ended(Joiner& joiner) noexcept {
      const std::unique_ptr<Session> self(static_cast<Session*>(&joiner));
      --self->core->sessions_;
      self->core->wake_waiters();
    }
    std::shared_ptr<Core> core;
  };

  void accepted(Socket client) noexcept {
    try {
      auto session = std::make_unique<Session>(shared_from_this());
      std::string name = "connection " + client.peer_address().to_string();
      auto [reader, writer] = open_streams(std::move(client));
      const TaskHandle<void> task =
          loop_.spawn(handler_(std::move(reader), std::move(writer)), std::move(name));
      ++sessions_;
      task.context().add_joiner(*session.release());
    } catch (...) {
      report_turned_away(std::current_exception());
    }
  }

  static void report_turned_away(const std::exception_ptr& error) noexcept {
    try {
      std::fprintf(stderr, "brigade: a client was turned away: %s\n", repr(error).c_str());
    } catch (const std::bad_alloc&) {
      std::fputs("brigade: a client was turned away: no memory\n", stderr);
    }
  }

  void wake_waiters() noexcept {
    IntrusiveList<Waiter> all;
    all.append(waiters_);
    while (!all.empty()) {
      auto& wait = static_cast<Wait&>(all.pop_front());
      if (wait.over())
        wait.wake();
      else
        waiters_.push_back(wait);
    }
  }

  Loop& loop_;
  const StreamHandler handler_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  IntrusiveList<Waiter> waiters_;
  std::size_t sessions_ = 0;
  bool closing_ = false;
};

Server::Server(std::shared_ptr<Core> core) noexcept : core_(std::move(core)) {}
Server::Server(Server&&) noexcept = default;

Server& Server::operator=(Server&& other) noexcept {
  Server moved(std::move(other));
  std::swap(core_, moved.core_);
  return *this;
}

Server::~Server() {
  if (core_) core_->close();
}

std::vector<SocketAddress> Server::addresses() const {
  std::vector<SocketAddress> addresses;
  for (const auto& listener : core_->listeners()) addresses.push_back(listener->address());
  return addresses;
}

std::size_t Server::connections() const noexcept { return core_->sessions(); }

void Server::close() noexcept { core_->close(); }

Task<void> Server::wait_closed() {
  const std::shared_ptr<Core> core = core_;
  co_await Core::Wait(*core, true);
}

Task<void> Server::serve_forever() {
  const std::shared_ptr<Core> core = core_;
  try {
    co_await Core::Wait(*core, false);
  } catch (const Cancelled&) {
    core->close();
    throw;
  }
}

Task<Server> start_server(StreamHandler handler, std::string host, std::uint16_t port,
                          ServerOptions options) {
  const std::vector<SocketAddress> addresses = co_await resolve(host, port);
  auto core = std::make_shared<Server::Core>(Loop::current(), std::move(handler));
  Server server(core);
  std::exception_ptr missing;
  for (const SocketAddress& address : addresses) {
    try {
      core->listen(address, options.reuse_port);
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::address_family_not_supported) throw;
      missing = std::current_exception();  // No matter if there is another.
    }
  }
  if (core->listeners().empty() && missing) std::rethrow_exception(missing);
  core->start();
  co_return server;
}

Task<Server> start_unix_server(StreamHandler handler, std::string path) {
  auto core = std::make_shared<Server::Core>(Loop::current(), std::move(handler));
  Server server(core);
  core->listen(SocketAddress::unix_path(path), false);
  core->start();
  co_return server;
}

}  // namespace brigade
