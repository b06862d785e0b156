#pragma once

#include <liburing.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "brigade/runtime/buffer_ring.h"
#include "brigade/runtime/clock.h"
#include "brigade/runtime/operation.h"

namespace brigade {

/// io_uring behind the three verbs of the seam: submit, cancel, wait. The only user of liburing.
///
/// Nothing asked for is ever dropped: what finds the submission queue full waits in a list that is
/// flushed, oldest first, before anything new.
///
/// A send that may be told later asks for a completion only if it fails: it is done when the kernel
/// has taken it from the queue, and so does not end a wait.
///
/// Errors:     the constructor throws std::system_error that names cause and remedy, for want of
///             memory after half a second; else none.
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
  std::size_t may_complete() const noexcept { return in_flight_ - told_later_; }
  std::vector<Request> operations() const;

  /// The last look completed something: whoever was told may have asked for more.
  bool busy() const noexcept { return told_; }
  const Capabilities& capabilities() const noexcept { return capabilities_; }

 private:
  using Steady = std::chrono::steady_clock;

  io_uring_sqe* next_sqe() noexcept;
  bool prepare(Operation& operation) noexcept;
  bool prepare_cancel(Operation& operation) noexcept;
  void flush_backlog() noexcept;
  void dispatch() noexcept;
  void complete(Operation& operation, int result, unsigned flags) noexcept;
  void ended(Operation& operation) noexcept;
  void wait_to_send(Operation& operation) noexcept;
  void ask_again(Operation& operation) noexcept;
  static bool given_up(const Operation& operation) noexcept;

  io_uring ring_{};
  std::unique_ptr<BufferRing> buffers_;  // If the kernel has multishot receives.
  Capabilities capabilities_;
  std::size_t in_flight_ = 0;
  std::size_t told_later_ = 0;  // of those
  bool told_ = false;
  std::optional<Steady::time_point> cancel_again_at_;  // One of those was not found.
  IntrusiveList<Operation> submitted_;
  IntrusiveList<Operation> sending_;     // Queued, and told later.
  IntrusiveList<Operation> cancelling_;  // Submitted; their cancel is not.
  IntrusiveList<Operation> cancelled_;   // Their cancel is submitted too.
  IntrusiveList<Operation> backlog_;     // Found the queue full.
};

}  // namespace brigade
