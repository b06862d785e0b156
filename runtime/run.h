#pragma once

#include <source_location>
#include <utility>

#include "brigade/runtime/loop.h"

namespace brigade {

/// What main() calls: runs `task` in a loop of its own, then cancels the tasks that are left, ends
/// all I/O and frees everything; returns the value of `task` or throws what it threw.
///
/// Errors:       as Loop::run_until_complete().
/// Cancellation: not a suspension point.
/// Complexity:   that of the task.
/// Threads:      one loop runs per thread at a time.
/// Lifetime:     handles and streams must not leave the task.
/// Example:      examples/hello.cc
template <class T>
T run(Task<T> task, LoopOptions options = {},
      const std::source_location& where = std::source_location::current()) {
  Loop loop(std::move(options));
  return loop.run_until_complete(std::move(task), "main", where);
}

}  // namespace brigade
