#pragma once

#include <coroutine>
#include <cstddef>
#include <iosfwd>
#include <stdexcept>
#include <string>

#include "brigade/sync/wait_queue.h"

namespace brigade {

/// The barrier was broken by abort(), or reset() while the task waited at it.
class BrokenBarrierError final : public std::runtime_error {
 public:
  BrokenBarrierError() : std::runtime_error("the barrier is broken") {}
};

/// Where `parties` tasks wait for each other: the last to arrive lets all go at once, and the
/// barrier fills anew. A task that comes back before the others have run waits for the next round.
///
/// Errors:       wait() throws BrokenBarrierError as said at abort() and reset(), and
///               std::logic_error when the barrier is destroyed; the constructor throws
///               std::invalid_argument for 0 parties.
/// Cancellation: safe; a cancelled wait() counts as not arrived, and the others wait on. A round
///               that is complete counts for all of its tasks, cancelled afterwards or not.
/// Complexity:   every member O(1) but those that let all go, O(parties); wait() allocates nothing.
/// Threads:      loop-affine.
/// Lifetime:     may be destroyed while tasks wait.
/// Example:      examples/barrier.cc
class Barrier {
 public:
  explicit Barrier(std::size_t parties, std::string name = {});

  class Wait : public WaitQueue::Member {
   public:
    bool await_ready() noexcept { return within_budget() && arrive(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    std::size_t await_resume();

   private:
    friend class Barrier;
    explicit Wait(Barrier& barrier) noexcept : Member(kKind), barrier_(barrier) {}
    bool arrive() noexcept;  // True if there is nothing to wait for.
    static constexpr Kind kKind{"a Barrier", &cancel, &describe};

    Barrier& barrier_;
    std::size_t index_ = 0;
    bool broken_ = false;
  };

  /// `const std::size_t index = co_await barrier.wait();` The tasks of a round get 0 to parties-1,
  /// in the order they came.
  [[nodiscard]] Wait wait() noexcept { return Wait(*this); }

  /// Fails all who wait, and all who come until reset(), with BrokenBarrierError.
  void abort() noexcept;

  /// Fails all who wait with BrokenBarrierError; who comes then finds an empty, whole barrier.
  void reset() noexcept;

  bool broken() const noexcept { return broken_; }
  std::size_t parties() const noexcept { return parties_; }
  std::size_t waiting() const noexcept { return waiters_.size(); }

  /// <Barrier "lunch" of 3, 2 waiting>, <Barrier "lunch" of 3 broken>
  std::string to_string() const;

 private:
  void fail_waiters() noexcept;

  const std::size_t parties_;
  const Label label_;
  WaitQueue waiters_{label_};
  bool broken_ = false;
};

std::ostream& operator<<(std::ostream& out, const Barrier& barrier);

}  // namespace brigade
