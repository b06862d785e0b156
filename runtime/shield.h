#pragma once

#include <utility>

#include "brigade/runtime/spawn.h"

namespace brigade {

/// `co_await shield(task)`: awaits `task` as a task of its own, so that a cancel or a timeout() of
/// the caller leaves it running. The same as `co_await spawn(task)`, and itself a task that
/// timeout(), gather() and groups take.
///
/// Errors:       what the task throws; nobody awaits it after a cancel, then its error is reported.
/// Cancellation: the caller gets Cancelled, the task goes on: the loop owns it, and cancels it when
///               it closes. A task that ends by Cancelled cancels its caller so.
/// Complexity:   that of spawn().
/// Threads:      loop-affine.
/// Lifetime:     what the task refers to must outlive it, not only the caller.
/// Example:      examples/shield.cc
template <class T>
Task<T> shield(Task<T> task) {
  co_return co_await spawn(std::move(task));
}

}  // namespace brigade
