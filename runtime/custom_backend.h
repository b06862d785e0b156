#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/operation.h"
#include "brigade/runtime/socket_calls.h"

namespace brigade {

class Loop;

/// A back end from outside, such as those of testing/chaos.h and testing/simulation.h, by virtual
/// calls. Its verbs keep the promises of docs/design/back_ends.md. Sockets are the kernel's unless
/// it overrides the calls on them too.
///
/// Errors:     the verbs none.
/// Threads:    one.
/// Lifetime:   owned by its loop; idle when destroyed.
class CustomBackend : public SocketCalls {
 public:
  virtual void attach(int fd) = 0;
  virtual void submit(Operation& operation, const Request& request) noexcept = 0;
  virtual void cancel(Operation& operation) noexcept = 0;

  /// As cancel() of every operation in flight; the loop closes.
  virtual void cancel_all() noexcept = 0;

  virtual void wait(std::optional<Nanoseconds> timeout) noexcept = 0;
  virtual void poll() noexcept = 0;

  /// Operations whose final completion was not told, be it known already.
  virtual std::size_t in_flight() const noexcept = 0;

  /// Those operations, as they were submitted; in any order.
  virtual std::vector<Request> operations() const = 0;

  /// Those of them that may complete though no timer fires and no task runs. If the wake-up of the
  /// loop is the only one, the tasks wait for each other.
  virtual std::size_t may_complete() const noexcept { return in_flight(); }

  /// Whether the next poll() may tell more though nothing happens outside. The virtual clock stands
  /// still meanwhile.
  virtual bool busy() const noexcept = 0;

  virtual Capabilities capabilities() const noexcept = 0;

 protected:
  /// Calls the operation's function; it must have left every list if `more` is false.
  static void complete(Operation& operation, int result, bool more) noexcept {
    operation.complete_(operation, result, more);
  }

  /// The same for a kReceiveMultishot: `bytes` are what came.
  static void complete(Operation& operation, int result, bool more, char* bytes) noexcept {
    operation.request_.data = bytes;
    operation.complete_(operation, result, more);
  }
};

/// Makes the back end of a loop, which outlives it, on the loop's thread; may throw what the set-up
/// of one may throw.
using BackendFactory = std::function<std::unique_ptr<CustomBackend>(Loop& loop)>;

}  // namespace brigade
