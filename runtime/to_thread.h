#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "brigade/runtime/reply.h"
#include "brigade/runtime/thread_pool.h"

namespace brigade {

/// Parks until a job of a pool has replied.
class ThreadWait : public ReplyWait {
 public:
  ThreadWait(ThreadPool& pool, std::shared_ptr<ThreadPool::Job> job, ReplySlot& slot) noexcept
      : ReplyWait(kKind, slot), pool_(pool), job_(std::move(job)) {}
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
  void await_resume();

 private:
  static void cancel(Waiter& waiter) noexcept;
  static constexpr Kind kKind{"a call on another thread", &cancel};

  ThreadPool& pool_;
  std::shared_ptr<ThreadPool::Job> job_;
  int error_ = 0;
};

/// A call with its arguments, and where its outcome goes.
template <class T, class F, class... Args>
class ThreadCall final : public ThreadPool::Job {
 public:
  ThreadCall(std::shared_ptr<Reply<T>> reply, F function, Args... args)
      : reply_(std::move(reply)),
        sender_(std::in_place, reply_),
        call_(std::in_place, std::move(function), std::move(args)...) {}

  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<T>) {
        invoke();
        reply_->set_value({});
      } else {
        reply_->set_value(invoke());
      }
    } catch (...) {
      reply_->set_error(std::current_exception());
    }
    call_.reset();
    sender_.reset();  // Last: from now on the task may go on.
  }

 private:
  T invoke() {
    return std::apply(
        [](F& function, Args&... args) -> T {
          return std::invoke(std::move(function), std::move(args)...);
        },
        *call_);
  }

  std::shared_ptr<Reply<T>> reply_;
  std::optional<ReplySender> sender_;
  std::optional<std::tuple<F, Args...>> call_;
};

/// to_thread() on a given pool.
template <class F, class... Args>
Task<std::invoke_result_t<F, Args...>> call_on(ThreadPool& pool, F function, Args... args) {
  using T = std::invoke_result_t<F, Args...>;
  const auto reply = std::make_shared<Reply<T>>();
  auto call =
      std::make_shared<ThreadCall<T, F, Args...>>(reply, std::move(function), std::move(args)...);
  co_await ThreadWait(pool, std::move(call), *reply);
  co_return reply->take();
}

/// `co_await to_thread(function, args...)`: calls `function` on another thread, for what blocks or
/// computes for long, and returns what it returns or throws what it throws; the loop goes
/// on meanwhile, and a virtual clock stands still. The threads are started when needed, at most
/// min(32, processors + 4) in the program; further calls wait their turn in the order they came.
///
/// The function and its arguments are copied or moved, as for std::thread. Give it values, not
/// references: see Cancellation. (On GCC 12 a lambda that captures objects with a destructor must
/// be named and moved in; tools/lint finds what is not, in files of yours by the query that the
/// README shows.)
///
/// Errors:       what the function throws; std::system_error if no thread can be started.
/// Cancellation: safe and at once. A call that has not begun never will. One that runs cannot be
///               stopped: it goes on, with its function and arguments, and its outcome is dropped.
///               Neither does Loop::close() wait for it. At the end of main() or exit() calls that
///               run have 5 s to finish; what ends then ends with the process.
/// Complexity:   O(1), a few allocations and two changes of thread.
/// Threads:      called on a loop's; the function and its arguments are destroyed on the thread
///               that ran it, before the outcome is delivered.
/// Lifetime:     what the function refers to must outlive the call, which may outlive the task.
/// Example:      examples/to_thread.cc
template <class F, class... Args>
  requires std::invocable<F, Args...>
[[nodiscard]] Task<std::invoke_result_t<F, Args...>> to_thread(F function, Args... args) {
  return call_on(ThreadPool::common(), std::move(function), std::move(args)...);
}

}  // namespace brigade
