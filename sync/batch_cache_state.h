#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache_options.h"

namespace brigade {

/// What of a BatchCache does not depend on the type of its items: who waits, and the task that
/// refills, round by round, as long as somebody wants it to. Shared by the cache and that task.
///
/// Each invalidate() begins an epoch. A round serves, or fails, who has waited since its own epoch
/// or longer; they stand first in the queue. What it brought is kept only if its epoch still lasts.
class BatchCacheState {
 public:
  explicit BatchCacheState(BatchCacheOptions the_options) : options(std::move(the_options)) {
    options.validate();
  }
  BatchCacheState(const BatchCacheState&) = delete;
  BatchCacheState& operator=(const BatchCacheState&) = delete;

  /// One that waits for an item.
  class Getter : public Waiter {
   protected:
    explicit Getter(BatchCacheState& state) noexcept : Waiter(kKind), state_(state) {}

    BatchCacheState& state_;
    std::exception_ptr error_;

   private:
    friend class BatchCacheState;
    static void cancel(Waiter& waiter) noexcept;
    static std::string describe(const Waiter& waiter);
    static constexpr Kind kKind{"a BatchCache", &cancel, &describe};

    std::uint64_t epoch_ = 0;  // in which it began to wait
  };

  /// Makes sure that a refill runs or is about to.
  void ensure_refill() {
    if (!refilling()) spawn_refill();
  }

  /// For get(): std::logic_error if the running task could wait for this cache only in vain.
  void refuse_cycle() const {
    if (refill_) refuse_cycle_of_refills();
  }

  void add_waiter(Getter& getter) noexcept {
    getter.epoch_ = epoch_;
    ++statistics.misses;
    waiters_.push_back(getter);
  }

  /// After an item was handed out.
  void prefetch_if_below_mark(std::size_t at_hand) noexcept {
    if (at_hand < options.low_water) prefetch();
  }

  void cancel_if_unwanted() noexcept;
  void invalidate() noexcept;
  void close() noexcept;  // The cache is destroyed.

  bool refilling() const noexcept { return refill_.has_value(); }
  std::string title() const;  // BatchCache "fries"
  std::string to_string(std::size_t at_hand) const;

  const BatchCacheOptions options;
  BatchCacheStatistics statistics;

 protected:
  ~BatchCacheState() = default;

  virtual Task<void> refill() = 0;  // rounds until begin_round() is false
  virtual void drop_items() noexcept = 0;

  // The steps of a round.
  bool begin_round() noexcept;  // false: nobody wants one
  Getter* next_to_serve() noexcept;
  void batch_arrived() noexcept { background_ = prefetch_failed_ = false; }
  std::exception_ptr cancelled_error() noexcept;  // null if it was our own cancel
  void end_round(const std::exception_ptr& error) noexcept;
  void refill_ended() noexcept;

 private:
  void spawn_refill();
  void prefetch() noexcept;
  void refuse_cycle_of_refills() const;
  bool take_unwanted() noexcept;
  void fail_waiters(const std::exception_ptr& error) noexcept;

  IntrusiveList<Waiter> waiters_;  // An item at hand implies that it is empty.
  std::optional<TaskHandle<void>> refill_;
  std::uint64_t epoch_ = 0;
  std::uint64_t round_epoch_ = 0;
  bool background_ = false;       // A refill is wanted even if nobody waits.
  bool prefetch_failed_ = false;  // No other one until a batch has arrived.
  bool unwanted_ = false;         // The refill was cancelled, as nobody wanted it any more.
};

}  // namespace brigade
