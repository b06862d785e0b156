#pragma once

#include <liburing.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/operation.h"

namespace brigade {

/// io_uring behind the three verbs of the seam: submit, cancel, wait. The only user of liburing.
///
/// Nothing asked for is ever dropped: what finds the submission queue full waits in a list that is
/// flushed, oldest first, before anything new.
///
/// Errors:     the constructor throws std::system_error that names cause and remedy; else none.
/// Complexity: submit, cancel O(1); one system call per wait.
/// Threads:    created and used on one thread (IORING_SETUP_SINGLE_ISSUER).
/// Lifetime:   must be idle() when destroyed: the kernel owns what is in flight.
class Ring {
 public:
  explicit Ring(unsigned entries);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void attach(int) noexcept {}  // The kernel knows.
  void submit(Operation& operation, const Request& request) noexcept;

  /// Asks for an early end of what is in flight; its completion tells whether it came. Idempotent.
  void cancel(Operation& operation) noexcept;
  void cancel_all() noexcept;

  /// Submits, waits for a completion or the timeout, and dispatches all that is complete.
  void wait(std::optional<Nanoseconds> timeout) noexcept;

  /// The same without waiting.
  void poll() noexcept;

  std::size_t in_flight() const noexcept { return in_flight_; }
  std::vector<Request> operations() const;

  /// The last look completed something: whoever was told may have asked for more.
  bool busy() const noexcept { return told_; }
  const Capabilities& capabilities() const noexcept { return capabilities_; }

 private:
  io_uring_sqe* next_sqe() noexcept;
  bool prepare(Operation& operation) noexcept;
  bool prepare_cancel(Operation& operation) noexcept;
  void flush_backlog() noexcept;
  void dispatch() noexcept;
  void complete(Operation& operation, int result, bool more) noexcept;

  io_uring ring_{};
  Capabilities capabilities_;
  std::size_t in_flight_ = 0;
  bool told_ = false;
  IntrusiveList<Operation> submitted_;
  IntrusiveList<Operation> cancelling_;  // Submitted; their cancel is not.
  IntrusiveList<Operation> backlog_;     // Found the queue full.
};

}  // namespace brigade
