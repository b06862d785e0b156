#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "brigade/runtime/spawn.h"

namespace brigade {

/// A gathered result: T, or std::monostate for a task that returns nothing.
template <class T>
using Gathered = typename TypedContext<T>::Value;

/// Spawns tasks, then parks until all have ended or one has failed. The part of gather() that does
/// not depend on the results.
class Gathering : public Waiter {
 public:
  explicit Gathering(std::size_t size);
  ~Gathering();

  /// If there is no memory, cancels those before it, and leaves out those after it.
  template <class T>
  void spawn(Task<T>& task) noexcept {
    if (error_) return;
    try {
      add(brigade::spawn(std::move(task)));
    } catch (...) {
      error_ = std::current_exception();
      stop();
    }
  }

  bool await_ready() const noexcept { return pending_ == 0; }
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
  void await_resume();  // Throws what gather() throws.

  /// The value of the first task, then of the second, and so on.
  template <class T>
  Gathered<T> take() {
    TaskContext& task = members_[taken_++].task->context();
    return std::move(static_cast<TypedContext<T>&>(task).value());
  }

 private:
  struct Member : Joiner {
    Member() noexcept : Joiner(&task_done) {}
    Gathering* all = nullptr;
    std::optional<TaskRef> task;
  };
  static void task_done(Joiner& joiner) noexcept;
  static void cancel(Waiter& waiter) noexcept;
  static constexpr Kind kKind{"the end of several tasks", &cancel, nullptr, true};

  void add(const TaskRef& task) noexcept;
  void stop() noexcept;   // the tasks: they are cancelled, and waited for
  void leave() noexcept;  // the tasks: they go on

  const std::unique_ptr<Member[]> members_;
  std::size_t size_ = 0;
  std::size_t pending_ = 0;
  std::size_t taken_ = 0;
  std::exception_ptr error_;  // of a spawn()
  bool stopping_ = false;
  bool cancel_seen_ = false;
};

/// Runs tasks beside each other and returns their results in the order of the arguments: a tuple,
/// or a vector for a vector of tasks. The first that fails makes gather() throw its error at once;
/// the others go on, and their errors need no report. Prefer a task group where they should not.
///
/// Errors:       what the first failing task throws; Cancelled if one was cancelled. If there is no
///               memory std::bad_alloc, and no task has run.
/// Cancellation: cancels the tasks, waits until they have ended, then throws Cancelled.
/// Complexity:   a task per argument.
/// Threads:      loop-affine.
/// Lifetime:     what the tasks refer to must outlive them, also after a failure.
/// Example:      examples/hello.cc
template <class... T>
Task<std::tuple<Gathered<T>...>> gather(Task<T>... tasks) {
  Gathering all(sizeof...(T));
  (all.spawn(tasks), ...);
  co_await all;
  co_return std::tuple<Gathered<T>...>{all.template take<T>()...};  // Braces: from left to right.
}

template <class T>
Task<std::vector<Gathered<T>>> gather(std::vector<Task<T>> tasks) {
  std::vector<Gathered<T>> results;
  results.reserve(tasks.size());
  Gathering all(tasks.size());
  for (Task<T>& task : tasks) all.spawn(task);
  co_await all;
  while (results.size() < tasks.size()) results.push_back(all.template take<T>());
  co_return results;
}

}  // namespace brigade
