#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "brigade/runtime/custom_backend.h"
#include "brigade/runtime/epoll.h"
#include "brigade/runtime/ring.h"

namespace brigade {

/// The back end of a loop: io_uring, epoll in its place, or one from outside. One predictable
/// branch per verb; only the last pays for a virtual call.
///
/// Errors:     the constructor throws std::system_error if the kind asked for cannot start, and
///             std::invalid_argument for a BRIGADE_BACKEND that is neither; the verbs none.
/// Complexity: see Ring and Epoll.
/// Threads:    one.
/// Lifetime:   must be idle when destroyed.
class Backend {
  template <class Verb>
  decltype(auto) on(Verb verb) {
    if (ring_) return verb(*ring_);
    if (epoll_) return verb(*epoll_);
    return verb(*custom_);
  }

 public:
  Backend(BackendKind kind, unsigned ring_entries);
  explicit Backend(std::unique_ptr<CustomBackend> custom) noexcept : custom_(std::move(custom)) {}

  /// `fd` is a new socket, whatever its number meant before.
  void attach(int fd) {
    on([&](auto& backend) { backend.attach(fd); });
  }
  void submit(Operation& operation, const Request& request) noexcept {
    on([&](auto& backend) { backend.submit(operation, request); });
  }
  void cancel(Operation& operation) noexcept {
    on([&](auto& backend) { backend.cancel(operation); });
  }
  void cancel_all() noexcept {
    on([](auto& backend) { backend.cancel_all(); });
  }
  void wait(std::optional<Nanoseconds> timeout) noexcept {
    on([&](auto& backend) { backend.wait(timeout); });
  }
  void poll() noexcept {
    on([](auto& backend) { backend.poll(); });
  }
  std::size_t in_flight() noexcept {
    return on([](auto& backend) { return backend.in_flight(); });
  }
  /// They; O(n).
  std::vector<Request> operations() {
    return on([](auto& backend) { return backend.operations(); });
  }
  std::size_t may_complete() noexcept {
    return on([](auto& backend) { return backend.may_complete(); });
  }
  /// The last look told or left something: there may be more to do at once.
  bool busy() noexcept {
    return on([](auto& backend) { return backend.busy(); });
  }
  Capabilities capabilities() {
    return on([](auto& backend) -> Capabilities { return backend.capabilities(); });
  }

 private:
  std::optional<Ring> ring_;
  std::optional<Epoll> epoll_;
  std::unique_ptr<CustomBackend> custom_;
};

}  // namespace brigade
