#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>

#include "brigade/runtime/loop.h"

namespace brigade {

/// A counting semaphore: at most `permits` holders at a time, served in FIFO order.
///
/// Invariant: a free permit implies that no one waits, so nobody can overtake the queue.
///
/// Errors:       the constructor throws std::invalid_argument for 0 permits; releasing a permit
///               twice is a broken check; waiting when the semaphore is destroyed throws
///               std::logic_error.
/// Cancellation: safe; a cancelled acquire() leaves the queue and holds no permit. A permit that
///               was granted before the cancel is owned, and released by its destructor.
/// Complexity:   every member O(1); acquire() allocates nothing (a waiter lives in its coroutine).
/// Threads:      loop-affine.
/// Lifetime:     permits may outlive it.
/// Example:      examples/limit_connections.cc
class Semaphore {
  struct State;

 public:
  explicit Semaphore(std::size_t permits) : Semaphore(permits, kKind) {}
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// The right to be one of the holders, until it is released or destroyed.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      Permit moved(std::move(other));
      std::swap(state_, moved.state_);
      return *this;
    }
    ~Permit() {
      if (state_ != nullptr) release();
    }

    /// Hands the permit to the oldest waiter. The waiter runs in a later turn, never inside.
    void release() noexcept;

   private:
    friend class Semaphore;
    explicit Permit(State& state) noexcept : state_(&state) {}
    State* state_;
  };

  class Acquire : public Waiter {
   public:
    bool await_ready() const noexcept { return within_budget() && state_.take(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    Permit await_resume();

   private:
    friend class Semaphore;
    explicit Acquire(State& state) noexcept : Waiter(state.kind), state_(state) {}
    State& state_;
    bool destroyed_ = false;
  };

  /// `Permit permit = co_await semaphore.acquire();`
  [[nodiscard]] Acquire acquire() noexcept { return Acquire(*state_); }

  std::size_t available() const noexcept { return state_->available; }

 protected:
  Semaphore(std::size_t permits, const Waiter::Kind& kind);
  static void cancel(Waiter& waiter) noexcept { Acquire::unlink_and_wake(waiter); }

 private:
  // Shared with the permits, so that they may outlive the semaphore.
  struct State {
    bool take() noexcept {
      if (available == 0) return false;
      --available;
      ++references;
      return true;
    }
    void release() noexcept;
    void drop_reference() noexcept {
      if (--references == 0) delete this;
    }

    std::size_t available;
    const Waiter::Kind& kind;
    std::size_t references = 1;
    IntrusiveList<Waiter> waiters = {};
  };
  static constexpr Waiter::Kind kKind{"a Semaphore", &cancel};

  State* state_;
};

}  // namespace brigade
