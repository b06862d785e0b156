#pragma once

#include <memory>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/context.h"

namespace brigade {

/// A variable of which every task has its own value, as Python's contextvars: the id of the request
/// that is served, a deadline, a user. A task that is spawned begins with the values of the one
/// that spawns it; what either sets later the other does not see.
///
/// Errors:       set() throws std::bad_alloc, and then changes nothing; outside of a task it is a
///               broken check, as there is nobody to keep the value.
/// Cancellation: not a suspension point.
/// Complexity:   get() and set() O(variables set); spawn() O(1), whatever was set.
/// Threads:      loop-affine; the values do not follow to_thread() or another loop.
/// Lifetime:     must outlive the tasks that use it: make it a global. What get() refers to lives
///               until the task sets it anew or ends.
/// Example:      examples/request_id.cc
template <class T>
class TaskLocal {
 public:
  explicit TaskLocal(T initial = T()) : initial_(std::move(initial)) {}
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  /// The running task's value; the initial one if none was set, and outside of a task.
  const T& get() const noexcept {
    const void* own = current_context == nullptr ? nullptr : current_context->locals().find(this);
    return own == nullptr ? initial_ : *static_cast<const T*>(own);
  }

  /// Sets it for the running task, and for those that it spawns from now on.
  void set(T value) {
    check(current_context != nullptr, "TaskLocal::set() outside of a task");
    current_context->locals().set(this, std::make_shared<const T>(std::move(value)));
  }

 private:
  const T initial_;
};

}  // namespace brigade
