#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "brigade/runtime/spawn.h"

namespace brigade {

/// Hands out items one by one from batches that a coroutine of the user's fetches: the vat of fries
/// of the tutorials. When it is empty, exactly one refill runs and the getters wait in FIFO order.
/// It fits a service that answers in batches: blocks of ids, pools of tokens, pages of a listing.
///
/// A batch may be shorter or longer than asked for: what it holds is handed out, and another refill
/// follows only if getters still wait. An empty batch is an error.
///
/// Invariant: an item at hand implies that no one waits.
///
/// Errors:       a refill that throws fails all who wait for it, and the next get() tries again; so
///               does an empty batch or a refill that was cancelled (std::runtime_error). The
///               constructor throws std::invalid_argument for a batch of 0. get() from inside the
///               refill, or when the cache is destroyed, throws std::logic_error.
/// Cancellation: safe; a cancelled get() takes no item and harms no other. The refill runs in a
///               task of its own, and is cancelled when nobody waits for it any more.
/// Complexity:   every member O(1); get() allocates only to start a refill.
/// Threads:      loop-affine.
/// Lifetime:     what the refill refers to must outlive the cache and a refill that runs.
/// Example:      examples/batch_cache.cc
template <class T>
class BatchCache {
  struct State;

 public:
  /// Fetches a batch; gets the number of items wanted.
  using Refill = std::function<Task<std::vector<T>>(std::size_t batch_size)>;

  BatchCache(std::size_t batch_size, Refill refill)
      : state_(std::make_shared<State>(batch_size, std::move(refill))) {
    if (batch_size == 0) throw std::invalid_argument("BatchCache of 0 items: at least 1 is needed");
  }
  ~BatchCache() {
    if (!state_->waiters.empty())
      state_->fail_waiters(
          error_of<std::logic_error>("the BatchCache was destroyed while waited for"));
    state_->cancel_refill();
  }
  BatchCache(const BatchCache&) = delete;
  BatchCache& operator=(const BatchCache&) = delete;

  class Get : public Waiter {
   public:
    bool await_ready() {
      return within_budget() && take();
    }
    bool await_suspend(std::coroutine_handle<> coroutine) {
      const bool at_hand = state_.next < state_.batch.size();
      if (!at_hand) state_.ensure_refill();
      if (!park(coroutine)) {
        state_.cancel_if_unwanted();
        return false;
      }
      if (at_hand) {
        try {
          take();
        } catch (...) {
          error_ = std::current_exception();
        }
        wake();
      } else {
        state_.waiters.push_back(*this);
      }
      return true;
    }
    T await_resume() {
      throw_if_cancelled();
      if (error_) std::rethrow_exception(error_);
      return std::move(*item_);
    }

   private:
    friend class BatchCache;
    explicit Get(State& state) noexcept : Waiter(kKind), state_(state) {}
    bool take() {
      if (state_.next == state_.batch.size()) return false;
      item_.emplace(state_.take());
      return true;
    }
    static void cancel(Waiter& waiter) noexcept {
      Waiter::unlink_and_wake(waiter);
      static_cast<Get&>(waiter).state_.cancel_if_unwanted();
    }
    static constexpr Kind kKind{"a BatchCache", &cancel};

    State& state_;
    std::optional<T> item_;
    std::exception_ptr error_;
  };

  /// `T item = co_await cache.get();`
  [[nodiscard]] Get get() noexcept { return Get(*state_); }

  /// Items at hand now.
  std::size_t available() const noexcept { return state_->batch.size() - state_->next; }
  std::size_t batch_size() const noexcept { return state_->batch_size; }

 private:
  // Shared with the refill, which may end after the cache.
  struct State : std::enable_shared_from_this<State> {
    State(std::size_t size, Refill function) : batch_size(size), refill(std::move(function)) {}

    T take() noexcept(std::is_nothrow_move_constructible_v<T>) { return std::move(batch[next++]); }

    void ensure_refill() {
      if (refilling) {
        if (&refilling->context() == current_context)
          throw std::logic_error("get() from inside the refill of the same BatchCache");
        return;
      }
      refilling.emplace(spawn(run_refill(this->shared_from_this()), "BatchCache refill"));
    }

    void cancel_refill() noexcept {
      if (refilling) refilling->cancel();
    }
    void cancel_if_unwanted() noexcept {
      if (!waiters.empty() || !refilling || std::exchange(unwanted, true)) return;
      // One that has not begun looks at `unwanted` itself: cancelled now, it would never begin.
      if (refilling->status() != TaskStatus::kNew) cancel_refill();
    }

    /// Takes our cancel of the refill back, if we asked for one; called by the refill.
    bool take_unwanted() noexcept {
      if (!std::exchange(unwanted, false)) return false;
      current_context->uncancel(0);
      return true;
    }

    void fail_waiters(const std::exception_ptr& error) noexcept {
      while (!waiters.empty()) {
        auto& waiter = static_cast<Get&>(waiters.pop_front());
        waiter.error_ = error;
        waiter.wake();
      }
    }

    void serve_waiters() {
      while (!waiters.empty() && next < batch.size()) {
        auto& waiter = static_cast<Get&>(waiters.front());
        waiter.item_.emplace(take());
        waiter.unlink();
        waiter.wake();
      }
    }

    const std::size_t batch_size;
    const Refill refill;
    std::vector<T> batch;
    std::size_t next = 0;  // The first item of the batch not handed out.
    IntrusiveList<Waiter> waiters;
    std::optional<TaskHandle<void>> refilling;
    bool unwanted = false;  // The refill was cancelled for want of waiters.
  };

  /// An Error that says `text`, or std::bad_alloc if there is no memory for it.
  template <class Error>
  static std::exception_ptr error_of(const char* text) noexcept {
    try {
      throw Error(text);
    } catch (...) {
      return std::current_exception();
    }
  }

  static Task<void> run_refill(std::shared_ptr<State> state) {
    std::exception_ptr error;
    if (std::exchange(state->unwanted, false) && state->waiters.empty()) {
      state->refilling.reset();
      co_return;
    }
    do {
      try {
        state->batch = co_await state->refill(state->batch_size);
        state->next = 0;
        if (state->batch.empty()) throw std::runtime_error("the refill returned an empty batch");
        state->serve_waiters();
      } catch (const Cancelled&) {
        // Ours, because nobody waited any more: whoever came since then must not suffer from it.
        if (state->take_unwanted()) continue;
        error = error_of<std::runtime_error>("the refill was cancelled");
      } catch (...) {
        error = std::current_exception();
      }
      state->take_unwanted();
    } while (!error && !state->waiters.empty());
    state->refilling.reset();
    if (error) state->fail_waiters(error);
  }

  std::shared_ptr<State> state_;
};

}  // namespace brigade
