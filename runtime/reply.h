#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "brigade/runtime/loop.h"

namespace brigade {

class ReplyWait;

/// The part of a Reply that does not depend on its type.
class ReplySlot {
 public:
  void set_error(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    filled_ = true;
  }

 protected:
  std::exception_ptr error_;
  bool filled_ = false;  // There is a value or an error.

 private:
  friend class ReplyWait;
  ReplyWait* waiter_ = nullptr;  // Touched on the loop's thread only.
};

/// What another thread hands back to a task: a value, an error, or neither if what was asked for
/// was cancelled over there. Both sides share it.
///
/// Errors:     take() throws the error, or Cancelled if there is nothing.
/// Complexity: O(1).
/// Threads:    filled on any thread, then sent by a ReplySender, then taken on the loop's.
/// Lifetime:   shared.
template <class T>
class Reply : public ReplySlot {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  void set_value(Value value) {
    value_.emplace(std::move(value));
    filled_ = true;
  }

  T take() {
    if (error_) std::rethrow_exception(std::move(error_));
    if (!value_) throw Cancelled();
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 private:
  std::optional<Value> value_;
};

/// Sends the reply when it is destroyed, on any thread: the task that waits is woken, if it still
/// does. Made on the thread of that task's loop; all that sending needs is allocated then.
class ReplySender {
 public:
  explicit ReplySender(std::shared_ptr<ReplySlot> slot);
  ~ReplySender() { door_->post(std::move(posted_)); }
  ReplySender(const ReplySender&) = delete;
  ReplySender& operator=(const ReplySender&) = delete;

 private:
  std::shared_ptr<PostDoor> door_;
  std::unique_ptr<PostDoor::Posted> posted_;
};

/// Parks until the reply has come. The base of the awaiters that ask another thread.
class ReplyWait : public Waiter {
 public:
  bool await_ready() const noexcept { return false; }
  void await_resume() { throw_if_cancelled(); }

 protected:
  ReplyWait(const Kind& kind, ReplySlot& slot) noexcept
      : Waiter(kind), work_(Loop::current()), slot_(slot) {}

  /// As park(); the reply will wake.
  bool await_reply(std::coroutine_handle<> coroutine) noexcept;

  /// The other side was asked to cancel: an empty reply is the end of this wait by Cancelled.
  void cancel_asked() noexcept { cancel_asked_ = true; }

  /// Waits no more: the reply will be dropped.
  void leave() noexcept { slot_.waiter_ = nullptr; }

 private:
  friend class ReplySender;
  static void come(ReplySlot& slot) noexcept;

  Loop::ExternalWork work_;
  ReplySlot& slot_;
  bool cancel_asked_ = false;
};

}  // namespace brigade
