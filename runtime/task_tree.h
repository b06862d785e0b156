#pragma once

#include <cstddef>
#include <string>

#include "brigade/runtime/context.h"

namespace brigade {

/// Who waits for whom, a line per task, below that of the task that waits for it; at most `limit`
/// tasks. Ages are those of the waits, up to `now`.
///
///     'main' waits for the end of 'customer', 2 s, spawned at order.cc:31
///       'customer' waits for Lock "soda", 0.5 s, spawned at order.cc:12
///
/// Errors:     std::bad_alloc.
/// Complexity: O(tasks), and their names.
/// Threads:    loop-affine.
/// Lifetime:   none.
std::string task_tree(const IntrusiveList<TaskContext>& tasks, TimePoint now, std::size_t limit);

/// "order.cc:31"
std::string to_string(const std::source_location& where);

}  // namespace brigade
