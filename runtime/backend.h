#pragma once

#include <cstddef>
#include <optional>

#include "brigade/runtime/epoll.h"
#include "brigade/runtime/ring.h"

namespace brigade {

/// The back end of a loop: io_uring, or epoll in its place. One predictable branch per verb.
///
/// Errors:     the constructor throws std::system_error if the kind asked for cannot start, and
///             std::invalid_argument for a BRIGADE_BACKEND that is neither; the verbs none.
/// Complexity: see Ring and Epoll.
/// Threads:    one.
/// Lifetime:   must be idle when destroyed.
class Backend {
 public:
  Backend(BackendKind kind, unsigned ring_entries);

  /// `fd` is a new socket, whatever its number meant before.
  void attach(int fd) noexcept {
    if (epoll_) epoll_->attach(fd);
  }
  void submit(Operation& operation, const Request& request) noexcept {
    ring_ ? ring_->submit(operation, request) : epoll_->submit(operation, request);
  }
  void cancel(Operation& operation) noexcept {
    ring_ ? ring_->cancel(operation) : epoll_->cancel(operation);
  }
  void cancel_all() noexcept { ring_ ? ring_->cancel_all() : epoll_->cancel_all(); }
  void wait(std::optional<Nanoseconds> timeout) noexcept {
    ring_ ? ring_->wait(timeout) : epoll_->wait(timeout);
  }
  void poll() noexcept { ring_ ? ring_->poll() : epoll_->poll(); }
  std::size_t in_flight() const noexcept {
    return ring_ ? ring_->in_flight() : epoll_->in_flight();
  }
  Capabilities capabilities() const noexcept {
    return ring_ ? ring_->capabilities() : Capabilities();
  }

 private:
  std::optional<Ring> ring_;
  std::optional<Epoll> epoll_;
};

}  // namespace brigade
