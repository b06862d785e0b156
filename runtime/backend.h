#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

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
 public:
  Backend(BackendKind kind, unsigned ring_entries);
  explicit Backend(std::unique_ptr<CustomBackend> custom) noexcept : custom_(std::move(custom)) {}

  /// `fd` is a new socket, whatever its number meant before.
  void attach(int fd) noexcept {
    if (epoll_)
      epoll_->attach(fd);
    else if (custom_)
      custom_->attach(fd);
  }
  void submit(Operation& operation, const Request& request) noexcept {
    if (ring_)
      ring_->submit(operation, request);
    else if (epoll_)
      epoll_->submit(operation, request);
    else
      custom_->submit(operation, request);
  }
  void cancel(Operation& operation) noexcept {
    if (ring_)
      ring_->cancel(operation);
    else if (epoll_)
      epoll_->cancel(operation);
    else
      custom_->cancel(operation);
  }
  void cancel_all() noexcept {
    if (ring_)
      ring_->cancel_all();
    else if (epoll_)
      epoll_->cancel_all();
    else
      custom_->cancel_all();
  }
  void wait(std::optional<Nanoseconds> timeout) noexcept {
    if (ring_)
      ring_->wait(timeout);
    else if (epoll_)
      epoll_->wait(timeout);
    else
      custom_->wait(timeout);
  }
  void poll() noexcept {
    if (ring_)
      ring_->poll();
    else if (epoll_)
      epoll_->poll();
    else
      custom_->poll();
  }
  std::size_t in_flight() const noexcept {
    return ring_ ? ring_->in_flight() : epoll_ ? epoll_->in_flight() : custom_->in_flight();
  }
  bool busy() const noexcept {
    return ring_ ? ring_->busy() : epoll_ ? epoll_->busy() : custom_->busy();
  }
  Capabilities capabilities() const noexcept {
    return ring_ ? ring_->capabilities() : custom_ ? custom_->capabilities() : Capabilities();
  }

 private:
  std::optional<Ring> ring_;
  std::optional<Epoll> epoll_;
  std::unique_ptr<CustomBackend> custom_;
};

}  // namespace brigade
