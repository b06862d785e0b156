#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

#include "brigade/runtime/reply.h"

namespace brigade {

/// A task for another loop. Its reply is sent when the last one lets go of it: the function posted
/// over there, if that never runs, or else the frame of the task.
class RemoteCall {
 public:
  virtual ~RemoteCall();

  /// On the other loop's thread.
  static void start(const std::shared_ptr<RemoteCall>& self) noexcept;
  void cancel() noexcept {
    if (task_) task_->cancel();
  }

 protected:
  explicit RemoteCall(std::shared_ptr<ReplySlot> slot) : sender_(slot), slot_(std::move(slot)) {}

 private:
  virtual Task<void> run(std::shared_ptr<RemoteCall> self) = 0;

  ReplySender sender_;  // Destroyed last: from then on the task that waits may go on.
  const std::shared_ptr<ReplySlot> slot_;
  std::optional<TaskRef> task_;
  bool begun_ = false;
};

/// The function that makes the task, and its arguments; they live as long as the task.
template <class T, class F, class... Args>
class TypedRemoteCall final : public RemoteCall {
 public:
  TypedRemoteCall(const std::shared_ptr<Reply<T>>& reply, F function, Args... args)
      : RemoteCall(reply), reply_(*reply), call_(std::move(function), std::move(args)...) {}

 private:
  Task<void> run([[maybe_unused]] std::shared_ptr<RemoteCall> self) override {
    try {
      Task<T> task = std::apply(
          [](F& function, Args&... args) {
            return std::invoke(std::move(function), std::move(args)...);
          },
          call_);
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        reply_.set_value({});
      } else {
        T value = co_await std::move(task);
        reply_.set_value(std::move(value));
      }
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      reply_.set_error(std::current_exception());
    }
  }

  Reply<T>& reply_;
  std::tuple<F, Args...> call_;
};

/// Parks until a task of another loop has ended.
class RemoteWait : public ReplyWait {
 public:
  RemoteWait(Loop& loop, std::shared_ptr<RemoteCall> call, ReplySlot& slot);
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept;

 private:
  static void cancel(Waiter& waiter) noexcept;
  static constexpr Kind kKind{"a task of another loop", &cancel};

  const std::shared_ptr<PostDoor> door_;
  std::unique_ptr<PostDoor::Posted> cancel_;
  std::unique_ptr<PostDoor::Posted> start_;
};

template <class T>
struct ResultOfTask;
template <class T>
struct ResultOfTask<Task<T>> {
  using Type = T;
};

/// `co_await run_in_loop(loop, function, args...)`: runs the task that `function` returns in the
/// loop of another thread, and returns its value or throws what it threw. The function is called
/// over there, as a coroutine belongs to the thread that made it; it and its arguments are copied
/// or moved, and live until the task has ended. That loop must run, and have a reason to: hold a
/// Loop::ExternalWork over there while calls may come. A thread without a loop calls
/// `run(run_in_loop(loop, function))`, which blocks.
///
/// Errors:       what the function and the task throw; std::logic_error if `loop` closes before the
///               task has begun, or is the caller's own; Cancelled if the task was cancelled over
///               there, as when its loop closes.
/// Cancellation: cancels the task over there and waits until it has ended; what it returns or
///               throws all the same is delivered.
/// Complexity:   O(1), a few allocations, one wake-up of each loop if it sleeps.
/// Threads:      called on a loop's; the task runs on the other loop's.
/// Lifetime:     `loop` must not be destroyed before the call has been posted.
/// Example:      examples/run_in_loop.cc
template <class F, class... Args>
  requires std::invocable<F, Args...>
Task<typename ResultOfTask<std::invoke_result_t<F, Args...>>::Type> run_in_loop(Loop& loop,
                                                                                F function,
                                                                                Args... args) {
  using T = typename ResultOfTask<std::invoke_result_t<F, Args...>>::Type;
  const auto reply = std::make_shared<Reply<T>>();
  auto call = std::make_shared<TypedRemoteCall<T, F, Args...>>(reply, std::move(function),
                                                               std::move(args)...);
  co_await RemoteWait(loop, std::move(call), *reply);
  co_return reply->take();
}

}  // namespace brigade
