#include "brigade/runtime/backend.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace brigade {
namespace {

BackendKind wanted(BackendKind kind) {
  const char* const name = std::getenv("BRIGADE_BACKEND");
  if (kind != BackendKind::kAuto || name == nullptr || *name == '\0') return kind;
  if (std::string_view(name) == "io_uring") return BackendKind::kIoUring;
  if (std::string_view(name) == "epoll") return BackendKind::kEpoll;
  throw std::invalid_argument("BRIGADE_BACKEND is '" + std::string(name) +
                              "': io_uring and epoll are accepted");
}

bool is_refusal(const std::error_code& code) {
  return code.value() == ENOSYS || code.value() == EINVAL || code.value() == EPERM ||
         code.value() == EACCES || code.value() == ENOMEM;
}

void tell_once(const char* why) {
  static std::atomic<bool> told = false;
  if (!told.exchange(true)) std::fprintf(stderr, "brigade: %s; using epoll\n", why);
}

}  // namespace

Backend::Backend(BackendKind kind, unsigned ring_entries) {
  kind = wanted(kind);
  if (kind != BackendKind::kEpoll) {
    try {
      ring_.emplace(ring_entries);
      return;
    } catch (const std::system_error& error) {
      if (kind == BackendKind::kIoUring || !is_refusal(error.code())) throw;
      tell_once(error.what());
    }
  }
  epoll_.emplace();
}

}  // namespace brigade
