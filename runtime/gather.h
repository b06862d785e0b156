#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "brigade/runtime/spawn.h"
#include "brigade/runtime/wait.h"

namespace brigade {

/// A gathered result: T, or std::monostate for a task that returns nothing.
template <class T>
using Gathered = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// Throws the first failure among ended tasks (in argument order); a cancelled task is one.
void throw_first_failure(std::span<const TaskRef> tasks);

/// Waits for all `tasks`, or the first failure; a cancel meanwhile cancels them and waits for them.
Task<void> gather_wait(std::vector<TaskRef> tasks);

template <class T>
Gathered<T> gathered(const TaskHandle<T>& handle) {
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(handle.result());
}

/// Runs tasks beside each other and returns their results in the order of the arguments: a tuple,
/// or a vector for a vector of tasks. The first that fails makes gather() throw its error at once;
/// the others go on, and their errors need no report. Prefer a task group where they should not.
///
/// Errors:       what the first failing task throws; Cancelled if one was cancelled.
/// Cancellation: cancels the tasks, waits until they have ended, then throws Cancelled.
/// Complexity:   a task per argument.
/// Threads:      loop-affine.
/// Lifetime:     what the tasks refer to must outlive them, also after a failure.
/// Example:      examples/hello.cc
template <class... T>
Task<std::tuple<Gathered<T>...>> gather(Task<T>... tasks) {
  std::tuple<TaskHandle<T>...> handles{spawn(std::move(tasks))...};  // Braces: in argument order.
  std::vector<TaskRef> all =
      std::apply([](const auto&... handle) { return std::vector<TaskRef>{handle...}; }, handles);
  co_await gather_wait(std::move(all));
  co_return std::apply(
      [](const auto&... handle) { return std::tuple<Gathered<T>...>(gathered(handle)...); },
      handles);
}

template <class T>
Task<std::vector<Gathered<T>>> gather(std::vector<Task<T>> tasks) {
  std::vector<TaskHandle<T>> handles;
  handles.reserve(tasks.size());
  for (Task<T>& task : tasks) handles.push_back(spawn(std::move(task)));
  std::vector<TaskRef> all(handles.begin(), handles.end());
  co_await gather_wait(std::move(all));
  std::vector<Gathered<T>> results;
  results.reserve(handles.size());
  for (const TaskHandle<T>& handle : handles) results.push_back(gathered(handle));
  co_return results;
}

}  // namespace brigade
