#pragma once

#include <iosfwd>
#include <string>
#include <utility>

#include "brigade/sync/semaphore.h"

namespace brigade {

/// Mutual exclusion between tasks, in FIFO order: a semaphore of one permit. Tasks are never
/// preempted, so a lock is only needed where the protected section awaits.
///
/// Invariant: a lock that is free has no waiter.
///
/// Errors:       releasing a guard twice is a broken check; a task that locks twice waits for
///               itself, which the loop reports as a deadlock.
/// Cancellation: safe; a cancelled acquire() leaves the queue and holds nothing.
/// Complexity:   every member O(1); acquire() allocates nothing.
/// Threads:      loop-affine.
/// Lifetime:     guards may outlive it; waiters get std::logic_error when it is destroyed.
/// Example:      examples/soda_machine.cc
class Lock : private Semaphore {
 public:
  using Guard = Permit;

  Lock() : Lock(std::string()) {}
  explicit Lock(std::string name) : Semaphore(1, "a Lock", std::move(name)) {}

  /// `Lock::Guard guard = co_await lock.acquire();`
  [[nodiscard]] Acquire acquire() noexcept { return Semaphore::acquire(); }

  bool locked() const noexcept { return available() == 0; }
  using Semaphore::waiting;

  /// <Lock "soda" locked, 2 waiting>
  std::string to_string() const { return print(locked() ? "locked" : "unlocked"); }
};

std::ostream& operator<<(std::ostream& out, const Lock& lock);

}  // namespace brigade
