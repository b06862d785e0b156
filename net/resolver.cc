#include "brigade/net/resolver.h"

#include <netdb.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "brigade/runtime/thread_pool.h"
#include "brigade/runtime/to_thread.h"

namespace brigade {
namespace {

class AddressCategory : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

constexpr std::size_t kMaxThreads = 16;

// Not those of to_thread(): a mute name server keeps only other look-ups waiting.
ThreadPool& threads() {
  alignas(ThreadPool) static std::byte memory[sizeof(ThreadPool)];
  static ThreadPool& pool = *new (memory) ThreadPool(kMaxThreads);
  return pool;
}

// On a thread of the pool.
std::vector<SocketAddress> look_up(const std::string& host, std::uint16_t port) {
  static const AddressCategory category;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (host.empty() ? AI_PASSIVE : 0);
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  std::to_string(port).c_str(), &hints, &list);
  if (error == EAI_SYSTEM)
    throw std::system_error(errno, std::system_category(), "resolve " + host);
  if (error != 0) throw std::system_error(error, category, "resolve " + host);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  std::vector<SocketAddress> found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    found.emplace_back(entry->ai_addr, entry->ai_addrlen);
  return found;
}

}  // namespace

Task<std::vector<SocketAddress>> resolve(std::string host, std::uint16_t port) {
  const std::optional<SocketAddress> numeric = SocketAddress::numeric(host, port);
  if (numeric) co_return std::vector<SocketAddress>(1, *numeric);
  Loop& loop = Loop::current();
  loop.prepare_io();
  if (loop.on_sockets([](auto& calls) { return calls.resolves_in_place(); }))
    co_return look_up(host, port);
  co_return co_await call_on(threads(), &look_up, std::move(host), port);
}

}  // namespace brigade
