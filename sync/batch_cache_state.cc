#include "brigade/sync/batch_cache_state.h"

#include <stdexcept>
#include <utility>

namespace brigade {
namespace {

/// An Error that says `text`, or std::bad_alloc if there is no memory for it.
template <class Error>
std::exception_ptr error_of(const char* text) noexcept {
  try {
    throw Error(text);
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

void BatchCacheState::Getter::cancel(Waiter& waiter) noexcept {
  Waiter::unlink_and_wake(waiter);
  static_cast<Getter&>(waiter).state_.cancel_if_unwanted();
}

std::string BatchCacheState::Getter::describe(const Waiter& waiter) {
  return static_cast<const Getter&>(waiter).state_.title();
}

std::string BatchCacheState::title() const {
  return options.name.empty() ? "a BatchCache" : "BatchCache \"" + options.name + "\"";
}

std::string BatchCacheState::to_string(std::size_t at_hand) const {
  std::size_t waiting = 0;
  waiters_.for_each([&](const Waiter&) { ++waiting; });
  std::string text = "<BatchCache ";
  if (!options.name.empty()) text += "\"" + options.name + "\" ";
  text += std::to_string(at_hand) + " at hand, " + std::to_string(waiting) + " waiting";
  return text + (refilling() ? ", refilling>" : ">");
}

void BatchCacheState::spawn_refill() {
  refill_.emplace(
      spawn(refill(), options.name.empty() ? "BatchCache refill" : title() + " refill"));
}

void BatchCacheState::prefetch() noexcept {
  if (prefetch_failed_) return;
  background_ = true;
  if (refilling()) return;
  try {
    spawn_refill();
  } catch (...) {
    background_ = false;
    prefetch_failed_ = true;
    ++statistics.failures;
  }
}

// A refill that waits in get() names the cache it waits for; so a chain of them can be followed.
void BatchCacheState::refuse_cycle_of_refills() const {
  const BatchCacheState* state = this;
  while (state->refill_) {
    const TaskContext& task = state->refill_->context();
    if (&task == current_context && state == this)
      throw std::logic_error("get() from inside the refill of the same BatchCache");
    if (&task == current_context)
      throw std::logic_error("get() would wait for itself: the refill of " + title() +
                             " waits for the one that calls it");
    const Waiter* const wait = task.waits_in(Getter::kKind);
    if (wait == nullptr) return;
    state = &static_cast<const Getter*>(wait)->state_;
  }
}

void BatchCacheState::cancel_if_unwanted() noexcept {
  const bool wanted = (background_ && round_epoch_ == epoch_) || next_to_serve() != nullptr;
  if (wanted || !refill_ || std::exchange(unwanted_, true)) return;
  // One that has not begun looks itself whether it is wanted: cancelled now, it would never begin.
  if (refill_->status() != TaskStatus::kNew) refill_->cancel();
}

void BatchCacheState::invalidate() noexcept {
  ++epoch_;
  drop_items();
  cancel_if_unwanted();
}

void BatchCacheState::close() noexcept {
  background_ = false;
  round_epoch_ = epoch_;
  if (!waiters_.empty())
    fail_waiters(error_of<std::logic_error>("the BatchCache was destroyed while waited for"));
  if (refill_) refill_->cancel();
}

bool BatchCacheState::begin_round() noexcept {
  unwanted_ = false;
  if (!background_ && waiters_.empty()) return false;
  round_epoch_ = epoch_;
  ++statistics.refills;
  if (waiters_.empty()) ++statistics.prefetches;
  return true;
}

BatchCacheState::Getter* BatchCacheState::next_to_serve() noexcept {
  if (waiters_.empty()) return nullptr;
  auto& oldest = static_cast<Getter&>(waiters_.front());
  return oldest.epoch_ <= round_epoch_ ? &oldest : nullptr;
}

/// Takes our cancel of the refill back, if we asked for one; called by the refill.
bool BatchCacheState::take_unwanted() noexcept {
  if (!std::exchange(unwanted_, false)) return false;
  current_context->uncancel(0);
  return true;
}

std::exception_ptr BatchCacheState::cancelled_error() noexcept {
  if (!take_unwanted()) return error_of<std::runtime_error>("the refill was cancelled");
  background_ = false;  // Who came since then must not suffer: another round is for them.
  return nullptr;
}

void BatchCacheState::end_round(const std::exception_ptr& error) noexcept {
  take_unwanted();
  if (round_epoch_ != epoch_) drop_items();
  if (!error) return;
  background_ = false;
  prefetch_failed_ = true;
  ++statistics.failures;
  fail_waiters(error);
}

// Somebody still waits only if the task was cancelled before it began.
void BatchCacheState::refill_ended() noexcept {
  refill_.reset();
  background_ = false;
  round_epoch_ = epoch_;
  if (!waiters_.empty()) fail_waiters(error_of<std::runtime_error>("the refill was cancelled"));
}

void BatchCacheState::fail_waiters(const std::exception_ptr& error) noexcept {
  while (Getter* const getter = next_to_serve()) {
    getter->unlink();
    getter->error_ = error;
    getter->wake();
  }
}

}  // namespace brigade
