#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "brigade/runtime/task.h"

namespace brigade {

/// A coroutine that gives out items by `co_yield` and may await in between. Lazy: it runs, in the
/// task that asks, from one next() to the next co_yield.
///
///     while (true) {
///       const std::optional<std::string> line = co_await lines.next();
///       if (!line) break;
///       ...
///     }
///
/// Errors:       calling the coroutine throws std::bad_alloc. next() throws what the coroutine
///               throws; that, and its end, is the end of the items. Asking for an item while
///               another task does, and destroying the generator meanwhile, is a broken check.
/// Cancellation: a cancel of the task that asks reaches the innermost await of the generator, which
///               ends it unless caught there; a next() cancelled before it began takes no item.
/// Complexity:   next() O(1), two moves of the item, no allocation.
/// Threads:      loop-affine.
/// Lifetime:     dropping the generator before its end destroys what the coroutine holds, where it
///               has yielded: destructors run, but clean-up that awaits does not. Such clean-up
///               belongs to the consumer. Generators that hold one another are dropped by
///               recursion. References passed to the coroutine must outlive it.
/// Example:      examples/async_generator.cc
template <class T>
class [[nodiscard]] AsyncGenerator {
 public:
  class promise_type : public PromiseBase {
   public:
    AsyncGenerator get_return_object() noexcept {
      return AsyncGenerator(Handle::from_promise(*this));
    }
    template <class U = T>
      requires std::is_constructible_v<T, U&&>
    FinalAwaiter yield_value(U&& item) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
      item_.emplace(std::forward<U>(item));
      return {};  // Returns to the consumer, as at the end.
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error_ = std::current_exception(); }

   private:
    friend class AsyncGenerator;
    std::optional<T> take() {
      running_ = false;
      if (std::exchange(refused_, false)) throw Cancelled();
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      std::optional<T> item = std::move(item_);
      item_.reset();
      return item;
    }

    std::optional<T> item_;
    std::exception_ptr error_;
    bool running_ = false;  // Somebody awaits next().
  };
  using Handle = std::coroutine_handle<promise_type>;

  AsyncGenerator(AsyncGenerator&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    AsyncGenerator moved(std::move(other));
    std::swap(handle_, moved.handle_);
    return *this;
  }
  ~AsyncGenerator() {
    if (!handle_) return;
    check(!handle_.promise().running_, "an AsyncGenerator was destroyed while it runs");
    handle_.destroy();
  }

  class Next {
   public:
    explicit Next(Handle handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return handle_.done(); }
    template <class Caller>
    bool await_suspend(std::coroutine_handle<Caller> caller) const noexcept {
      static_assert(std::is_base_of_v<PromiseBase, Caller>,
                    "only a coroutine of brigade can await");
      handle_.promise().running_ = true;
      return PromiseBase::start(handle_, handle_.promise(), caller, caller.promise());
    }
    std::optional<T> await_resume() const { return handle_.promise().take(); }

   private:
    Handle handle_;
  };

  /// The next item; none when the coroutine has ended.
  [[nodiscard]] Next next() noexcept {
    check(handle_ != nullptr, "next() of an AsyncGenerator that was moved from");
    check(!handle_.promise().running_, "two tasks ask an AsyncGenerator for an item");
    return Next(handle_);
  }

 private:
  explicit AsyncGenerator(Handle handle) noexcept : handle_(handle) {}

  Handle handle_;
};

}  // namespace brigade
