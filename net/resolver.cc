#include "brigade/net/resolver.h"

#include <netdb.h>

#include <cerrno>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "brigade/runtime/loop.h"

namespace brigade {
namespace {

class AddressCategory : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

struct Lookup {
  std::string host;
  std::uint16_t port = 0;
  int error = 0;
  int system_error = 0;
  std::vector<SocketAddress> found;
  Waiter* waiter = nullptr;  // Touched on the loop's thread only.

  // On a thread of its own, which no exception may leave.
  void run() noexcept {
    try {
      look_up();
    } catch (const std::bad_alloc&) {
      error = EAI_MEMORY;
    }
  }

 private:
  void look_up() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (host.empty() ? AI_PASSIVE : 0);
    addrinfo* list = nullptr;
    error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(),
                          &hints, &list);
    if (error == EAI_SYSTEM) system_error = errno;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
      found.emplace_back(entry->ai_addr, entry->ai_addrlen);
  }
};

// Parks until the look-up thread has answered.
class Answer : public Waiter {
 public:
  explicit Answer(std::shared_ptr<Lookup> lookup)
      : Waiter(kKind), work_(Loop::current()), lookup_(std::move(lookup)) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) {
    // Made here, so that the thread cannot fail to answer.
    std::unique_ptr<PostDoor::Posted> answer(new PostDoor::Posted{[lookup = lookup_] {
      if (lookup->waiter != nullptr) std::exchange(lookup->waiter, nullptr)->wake();
    }});
    std::thread([lookup = lookup_, door = Loop::current().door(),
                 answer = std::move(answer)]() mutable {
      lookup->run();
      door->post(std::move(answer));
    }).detach();
    if (!park(coroutine)) return false;
    lookup_->waiter = this;
    return true;
  }
  void await_resume() { throw_if_cancelled(); }

 private:
  static void cancel(Waiter& waiter) noexcept {
    auto& self = static_cast<Answer&>(waiter);
    self.lookup_->waiter = nullptr;
    self.wake_cancelled();
  }
  static constexpr Kind kKind{"a name look-up", &cancel};

  Loop::ExternalWork work_;
  std::shared_ptr<Lookup> lookup_;
};

}  // namespace

Task<std::vector<SocketAddress>> resolve(std::string host, std::uint16_t port) {
  const std::optional<SocketAddress> numeric = SocketAddress::numeric(host, port);
  if (numeric) co_return std::vector<SocketAddress>(1, *numeric);
  auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->port = port;
  Loop::current().prepare_io();
  if (Loop::current().on_sockets([](auto& calls) { return calls.resolves_in_place(); }))
    lookup->run();
  else
    co_await Answer(lookup);
  static const AddressCategory category;
  if (lookup->error == EAI_SYSTEM)
    throw std::system_error(lookup->system_error, std::system_category(), "resolve " + host);
  if (lookup->error != 0) throw std::system_error(lookup->error, category, "resolve " + host);
  co_return std::move(lookup->found);
}

}  // namespace brigade
