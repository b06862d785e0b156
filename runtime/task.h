#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/context.h"
#include "brigade/runtime/frame_pool.h"

namespace brigade {

template <class T>
class Task;

/// What every coroutine of brigade has, whatever it returns.
///
/// Awaiting a Task starts it on the caller's stack; only if it really suspends does the caller
/// suspend too. A callee that suspended once returns to its caller through the trampoline in
/// TaskContext::step(). Neither path grows the stack with the depth of the chain: inline starts
/// are bounded by kMaxInlineDepth, and symmetric transfer, which GCC compiles to a real call in
/// unoptimized and sanitized builds, is not used.
class PromiseBase : public Callee {
 public:
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    FramePool::deallocate(frame, size);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  class FinalAwaiter {
   public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      if (promise.start_ == Start::kInline)
        promise.start_ = Start::kDoneInline;
      else
        promise.context_->next_ = promise.continuation_;
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  /// Starts `callee` for `caller`. False if `caller` need not suspend: it has ended already.
  static bool start(std::coroutine_handle<> callee, PromiseBase& promise,
                    std::coroutine_handle<> caller, PromiseBase& caller_promise) noexcept {
    TaskContext& context = *caller_promise.context_;
    promise.context_ = &context;
    promise.continuation_ = caller;
    if (!context.within_budget()) {
      context.start_later(callee, promise);
      return true;
    }
    if (context.inline_depth_ == kMaxInlineDepth) {
      context.next_ = callee;
      return true;
    }
    promise.start_ = Start::kInline;
    ++context.inline_depth_;
    callee.resume();
    --context.inline_depth_;
    if (promise.start_ == Start::kDoneInline) return false;
    promise.start_ = Start::kSuspended;
    return true;
  }

  void set_context(TaskContext& context) noexcept { context_ = &context; }

 private:
  static constexpr std::uint16_t kMaxInlineDepth = 100;
  enum class Start : std::uint8_t { kSuspended, kInline, kDoneInline };

  TaskContext* context_ = nullptr;
  Start start_ = Start::kSuspended;
};

/// A promise's outcome: nothing yet, a value, or an exception.
template <class T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept {
    value_.reset();  // There is one if a destructor threw after co_return.
    error_ = std::current_exception();
  }
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    if (!value_) [[unlikely]]
      fail();
    return std::move(*value_);
  }

 private:
  [[noreturn]] void fail() {
    if (!error_) throw Cancelled();
    std::rethrow_exception(error_);
  }

  // Neither means nothing yet. Two members, as a std::variant asks at every step which it holds.
  std::optional<T> value_;
  std::exception_ptr error_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void return_void() const noexcept {}
  void take() {
    if (error_) std::rethrow_exception(error_);
    if (refused_) throw Cancelled();
  }

 private:
  std::exception_ptr error_;
};

/// A coroutine that returns T. Lazy: it starts when it is awaited, in the awaiting task, or when
/// spawn() makes a task of its own of it. Awaiting returns its value or throws what it threw.
///
/// Errors:       calling the coroutine throws std::bad_alloc if there is no memory for its frame.
/// Cancellation: a cancel of the task reaches the innermost coroutine and unwinds from there.
/// Complexity:   a frame from the thread's pool; awaiting one that does not suspend costs no queue.
/// Threads:      loop-affine.
/// Lifetime:     owns the frame until it is awaited to its end or spawned. Dropping a Task that
///               never started destroys its parameters. References and views passed to the
///               coroutine must outlive it.
/// Example:      examples/hello.cc
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    Task moved(std::move(other));
    std::swap(handle_, moved.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(Handle handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    template <class Caller>
    bool await_suspend(std::coroutine_handle<Caller> caller) const noexcept {
      static_assert(std::is_base_of_v<PromiseBase, Caller>, "only a brigade::Task can await one");
      return PromiseBase::start(handle_, handle_.promise(), caller, caller.promise());
    }
    T await_resume() const { return handle_.promise().take(); }

   private:
    Handle handle_;
  };

  /// `co_await std::move(task)`, or `co_await f()`: once.
  Awaiter operator co_await() && noexcept {
    check(handle_ && !handle_.done(), "a Task was awaited twice, or after it was moved from");
    return Awaiter(handle_);
  }

  /// Gives the frame away, to spawn().
  Handle release() noexcept { return std::exchange(handle_, nullptr); }

  bool valid() const noexcept { return handle_ != nullptr; }

  /// The outcome of a task that was awaited to its end.
  T take() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}

}  // namespace brigade
