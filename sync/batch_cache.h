#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/sync/batch_cache_state.h"
#include "brigade/sync/batch_shelf.h"

namespace brigade {

template <class Key, class T, class Hash>
class KeyedBatchCache;

/// Hands out items one by one from batches that a coroutine of the user's fetches: the vat of fries
/// of the tutorials. When it is empty, exactly one refill runs and the getters wait in FIFO order.
///
/// It fits a service that answers in batches, each item for one taker: blocks of ids, pools of
/// tokens, pages of a listing. It does not fit a value that many read (that wants a map and a
/// refill per key), items that come back (a pool), or a producer that runs by itself (a queue).
///
/// A batch may be shorter or longer than asked for: what it holds is handed out, and another refill
/// follows only if getters still wait. An empty batch is an error. BatchCacheOptions tells how to
/// refill ahead of need and how long items are good for. If the refill answers as asked, fewer than
/// low_water + batch_size items are kept.
///
/// A refill in the background that fails is nobody's error: no other one is tried, and the get()
/// that finds nothing at hand refills as usual. Who waits for it by then gets its error.
///
/// invalidate() drops what is at hand. A refill under way then serves only who waited already, and
/// the rest of its batch is discarded; who comes later waits for a new refill, after that one.
///
/// Invariant: an item at hand implies that no one waits.
///
/// Errors:       a refill that throws fails all who wait for it, and the next get() tries again; so
///               does an empty batch or a refill that was cancelled (std::runtime_error). The
///               constructor throws std::invalid_argument; see BatchCacheOptions. get() throws
///               std::logic_error from inside the refill, from the refill of another cache that
///               this one's waits for, and when the cache is destroyed. A cycle through other tasks
///               is not seen here: the loop reports a deadlock, if nothing else can go on.
/// Cancellation: safe; a cancelled get() takes no item and harms no other. The refill runs in a
///               task of its own, and is cancelled when nobody waits for it any more, unless it was
///               begun in the background.
/// Complexity:   every member O(1), but to_string(), O(waiters); get() allocates only to start a
///               refill.
/// Threads:      loop-affine.
/// Lifetime:     what the refill refers to must outlive the cache and a refill that runs, which
///               is cancelled with the cache and unwinds in a later turn.
/// Example:      examples/batch_cache.cc
template <class T>
class BatchCache {
  class State;

 public:
  /// Fetches a batch; gets the number of items wanted.
  using Refill = std::function<Task<std::vector<T>>(std::size_t batch_size)>;

  BatchCache(BatchCacheOptions options, Refill refill)
      : state_(std::make_shared<State>(std::move(options), std::move(refill))) {}
  ~BatchCache() { state_->close(); }
  BatchCache(const BatchCache&) = delete;
  BatchCache& operator=(const BatchCache&) = delete;

  class Get : public BatchCacheState::Getter {
   public:
    bool await_ready();
    bool await_suspend(std::coroutine_handle<> coroutine);
    T await_resume() {
      throw_if_cancelled();
      if (error_) std::rethrow_exception(error_);
      return std::move(*item_);
    }

   protected:
    friend class BatchCache;
    explicit Get(State& state) noexcept : Getter(state) {}
    State& state() const noexcept { return static_cast<State&>(state_); }

   private:
    std::optional<T> item_;
  };

  /// `T item = co_await cache.get();`
  [[nodiscard]] Get get() noexcept { return Get(*state_); }

  /// Drops the items at hand, and what a refill under way brings for those who come from now on.
  void invalidate() noexcept { state_->invalidate(); }

  /// Items at hand now. The clock is looked at only within a task.
  std::size_t available() const noexcept {
    return current_context != nullptr ? state_->fresh_items() : state_->at_hand();
  }
  std::size_t batch_size() const noexcept { return state_->options.batch_size; }
  const std::string& name() const noexcept { return state_->options.name; }
  const BatchCacheStatistics& statistics() const noexcept { return state_->statistics; }

  /// <BatchCache "fries" 3 at hand, 2 waiting, refilling>
  std::string to_string() const { return state_->to_string(available()); }
  friend std::ostream& operator<<(std::ostream& out, const BatchCache& cache) {
    return out << cache.to_string();
  }

 private:
  template <class Key, class Item, class Hash>
  friend class KeyedBatchCache;

  /// A get() that keeps what it waits for alive.
  class PinnedGet : public Get {
   private:
    template <class Key, class Item, class Hash>
    friend class KeyedBatchCache;
    explicit PinnedGet(std::shared_ptr<State> state) noexcept
        : Get(*state), pinned_(std::move(state)) {}
    std::shared_ptr<State> pinned_;
  };

  /// Somebody gets from it, or a refill runs.
  bool in_use() const noexcept { return state_.use_count() > 1; }

  std::shared_ptr<State> state_;
};

template <class T>
class BatchCache<T>::State final : public BatchCacheState,
                                   public std::enable_shared_from_this<State> {
 public:
  State(BatchCacheOptions the_options, Refill refill)
      : BatchCacheState(std::move(the_options)), refill_function_(std::move(refill)) {}

  /// Items at hand, after those that are too old were dropped.
  std::size_t fresh_items() noexcept {
    if (ages() && shelf_.size() > 0) statistics.discarded += shelf_.drop_old(Loop::current().now());
    return shelf_.size();
  }
  std::size_t at_hand() const noexcept { return shelf_.size(); }

  bool take_fresh(std::optional<T>& item) {
    if (fresh_items() == 0) return false;
    take(item);
    return true;
  }

  /// A get() takes an item that is at hand.
  void take(std::optional<T>& item) {
    shelf_.take(item);
    ++statistics.hits;
    prefetch_if_below_mark(shelf_.size());
  }

 private:
  bool ages() const noexcept { return options.time_to_live != BatchCacheOptions::kForever; }

  void publish(std::vector<T> items) {
    if (items.empty()) throw std::runtime_error("the refill returned an empty batch");
    shelf_.add(std::move(items),
               ages() ? after(Loop::current().now(), options.time_to_live) : TimePoint::max());
    batch_arrived();
    bool served = false;
    while (Getter* const getter = shelf_.size() > 0 ? next_to_serve() : nullptr) {
      shelf_.take(static_cast<Get*>(getter)->item_);
      getter->unlink();
      getter->wake();
      served = true;
    }
    if (served) prefetch_if_below_mark(shelf_.size());
  }

  /// What the refill's frame holds of the cache; tells of its end, even if it never began.
  class Running {
   public:
    explicit Running(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
    Running(Running&&) noexcept = default;
    Running& operator=(Running&&) = delete;
    ~Running() {
      if (state_) state_->refill_ended();
    }
    State* operator->() const noexcept { return state_.get(); }

   private:
    std::shared_ptr<State> state_;
  };

  Task<void> refill() override { return run_refill(Running(this->shared_from_this())); }

  static Task<void> run_refill(Running state) {
    while (state->begin_round()) {
      std::exception_ptr error;
      try {
        std::vector<T> items = co_await state->refill_function_(state->options.batch_size);
        state->publish(std::move(items));
      } catch (const Cancelled&) {
        error = state->cancelled_error();
      } catch (...) {
        error = std::current_exception();
      }
      state->end_round(error);
    }
  }

  void drop_items() noexcept override { statistics.discarded += shelf_.drop_all(); }

  const Refill refill_function_;
  BatchShelf<T> shelf_;
};

template <class T>
bool BatchCache<T>::Get::await_ready() {
  if (!within_budget()) return false;
  state().refuse_cycle();
  return state().take_fresh(item_);
}

template <class T>
bool BatchCache<T>::Get::await_suspend(std::coroutine_handle<> coroutine) {
  State& cache = state();
  cache.refuse_cycle();
  const bool at_hand = cache.fresh_items() > 0;
  if (!at_hand) cache.ensure_refill();
  if (!park(coroutine)) {
    cache.cancel_if_unwanted();
    return false;
  }
  if (!at_hand) {
    cache.add_waiter(*this);
    return true;
  }
  try {
    cache.take(item_);
  } catch (...) {
    error_ = std::current_exception();
  }
  wake();
  return true;
}

}  // namespace brigade
