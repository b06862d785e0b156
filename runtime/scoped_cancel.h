#pragma once

#include <utility>

#include "brigade/runtime/context.h"

namespace brigade {

/// A cancel that a scope asks of the task it runs in, and takes back at its end: how timeout() and
/// task_group() end what runs inside of them. Requests are counted, so that a scope knows its own
/// from all others, and the outer one of nested scopes wins.
class ScopedCancel {
 public:
  /// The scope begins in the running task. A cancel that is due has reached nobody yet: it counts
  /// as one that comes later, and is not lost with ours.
  void enter() noexcept {
    context_ = current_context;
    entry_requests_ = context_->cancel_requests() - (context_->cancel_due() ? 1 : 0);
    requested_ = false;
  }

  /// Cancels the task, once.
  void request() noexcept {
    if (!std::exchange(requested_, true)) context_->cancel();
  }
  bool requested() const noexcept { return requested_; }

  /// The scope ends: takes the request back, if there was one, whether it was delivered or not.
  /// True if there was, and nobody else has asked for a cancel since the scope began.
  bool withdraw() noexcept {
    if (!std::exchange(requested_, false)) return false;
    context_->uncancel(entry_requests_);
    return !others();
  }

  /// Somebody else has asked for a cancel since the scope began, when ours is withdrawn.
  bool others() const noexcept { return context_->cancel_requests() > entry_requests_; }

  /// Makes the cancel of others that the scope was told of, but does not pass on, due again.
  void rearm() noexcept {
    if (!others() || context_->cancel_due()) return;
    context_->uncancel(entry_requests_);
    context_->cancel();
  }

  TaskContext& context() const noexcept { return *context_; }

 private:
  TaskContext* context_ = nullptr;
  unsigned entry_requests_ = 0;
  bool requested_ = false;
};

}  // namespace brigade
