#pragma once

#include <coroutine>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <utility>

#include "brigade/sync/wait_queue.h"

namespace brigade {

/// A counting semaphore: holders have at most `permits` at a time, served in FIFO order. A holder
/// may want several at once; while it is the oldest, what comes free is set aside for it, so that
/// small requests neither overtake nor starve it.
///
/// Invariant: a free permit implies that no one waits, so nobody can overtake the queue.
///
/// Errors:       the constructor throws std::invalid_argument for 0 permits, acquire(n) for an n of
///               0 or above all permits there are; releasing a permit twice is a broken check;
///               waiting when the semaphore is destroyed throws std::logic_error.
/// Cancellation: safe; a cancelled acquire() leaves the queue and holds no permit. A permit that
///               was granted before the cancel is owned, and released by its destructor.
/// Complexity:   every member O(1), release() of n permits O(tasks woken); acquire() allocates
///               nothing (a waiter lives in its coroutine).
/// Threads:      loop-affine.
/// Lifetime:     permits may outlive it.
/// Example:      examples/limit_connections.cc
class Semaphore {
  struct State;

 public:
  explicit Semaphore(std::size_t permits, std::string name = {})
      : Semaphore(permits, "a Semaphore", std::move(name)) {}
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// The right to be one of the holders, until it is released or destroyed. It counts as the n of
  /// the acquire(n) it comes from.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)), count_(other.count_) {}
    Permit& operator=(Permit&& other) noexcept {
      Permit moved(std::move(other));
      std::swap(state_, moved.state_);
      std::swap(count_, moved.count_);
      return *this;
    }
    ~Permit() {
      if (state_ != nullptr) release();
    }

    /// Hands the permit to the oldest waiter. The waiter runs in a later turn, never inside.
    void release() noexcept;

   private:
    friend class Semaphore;
    friend class Condition;
    Permit(State& state, std::size_t count) noexcept : state_(&state), count_(count) {}
    State& held() const noexcept {
      check(state_ != nullptr, "a permit was used that holds nothing: released, or moved from");
      return *state_;
    }
    State* state_;
    std::size_t count_;
  };

  class Acquire : public WaitQueue::Member {
   public:
    bool await_ready() const noexcept { return within_budget() && state_.take(count_); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (!park(coroutine)) return false;
      state_.wait(*this);
      return true;
    }
    Permit await_resume() {
      throw_unless_granted();
      return Permit(state_, count_);
    }

   protected:
    Acquire(const Kind& kind, State& state, std::size_t count) noexcept
        : Member(kind), state_(state), count_(count) {}

    State& state_;
    const std::size_t count_;

   private:
    friend class Semaphore;
    Acquire(State& state, std::size_t count) noexcept : Acquire(kKind, state, count) {}
    static void cancel(Waiter& waiter) noexcept;
    static constexpr Kind kKind{"a Semaphore", &cancel, &describe};

    std::size_t missing_ = 0;  // Of the count, while it waits.
  };

  /// `Permit permit = co_await semaphore.acquire();`
  [[nodiscard]] Acquire acquire() noexcept { return Acquire(*state_, 1); }

  /// All of `count` permits, as one Permit.
  [[nodiscard]] Acquire acquire(std::size_t count);

  std::size_t available() const noexcept { return state_->available; }
  std::size_t waiting() const noexcept { return state_->waiters.size(); }

  /// <Semaphore "connections" 0 of 3 free, 2 waiting>
  std::string to_string() const;

 protected:
  Semaphore(std::size_t permits, const char* type, std::string name);
  std::string print(const std::string& state) const;

 private:
  friend class Condition;

  // Shared with the permits, so that they may outlive the semaphore.
  struct State {
    State(std::size_t permits, const char* type, std::string name) noexcept;

    bool take(std::size_t count) noexcept {
      if (available < count) return false;
      available -= count;
      ++references;
      return true;
    }
    void wait(Acquire& acquire) noexcept;      // in the queue; wakes it at once if it need not
    void grant(std::size_t count) noexcept;    // permits that are free to the oldest waiters
    void release(std::size_t count) noexcept;  // the permits and the reference of a Permit
    void drop_reference() noexcept {
      if (--references == 0) delete this;
    }

    std::size_t available;
    const std::size_t capacity;  // Between the two counts: GCC adds neighbours as a slower pair.
    std::size_t references = 1;
    const Label label;
    WaitQueue waiters;
  };

  State* state_;
};

std::ostream& operator<<(std::ostream& out, const Semaphore& semaphore);

}  // namespace brigade
