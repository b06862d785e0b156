#pragma once

#include <source_location>
#include <string>
#include <utility>

#include "brigade/runtime/loop.h"

namespace brigade {

/// Makes a task of its own of `task`, in the loop that runs on this thread: it starts in a later
/// turn and goes on beside the caller, even after the caller has ended.
///
/// Errors:       std::bad_alloc; then `task` is destroyed unstarted.
/// Cancellation: not a suspension point; cancelling the caller leaves the new task alone.
/// Complexity:   O(1), one context from the thread's pool.
/// Threads:      loop-affine.
/// Lifetime:     the loop keeps the task until it ends; dropping the handle detaches it. What the
///               task refers to must outlive it.
/// Example:      examples/event_loop.cc
template <class T>
TaskHandle<T> spawn(Task<T> task, std::string name = {},
                    const std::source_location& where = std::source_location::current()) {
  return Loop::current().start(task, name, where);
}

/// The task that runs now; a broken check outside of one.
inline TaskRef current_task() noexcept {
  check(current_context != nullptr, "current_task() outside of a task");
  return TaskRef(*current_context);
}

}  // namespace brigade
