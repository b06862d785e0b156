#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

#include "brigade/runtime/caught_signal.h"
#include "brigade/runtime/loop.h"

namespace brigade {

/// While it lives, the first SIGINT has `cancel` run in the loop; the second one ends the process.
/// Does nothing but on the main thread, and if SIGINT has not its default action.
class Interrupt {
 public:
  Interrupt(Loop& loop, std::function<void()> cancel);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Ends the process as SIGINT does.
  static void end_process() noexcept;

 private:
  static void caught(void* object, int number) noexcept;

  std::shared_ptr<PostDoor> door_;
  std::unique_ptr<PostDoor::Posted> cancel_;
  std::optional<CaughtSignal> caught_;
};

/// What main() calls: runs `task` in a loop of its own, then cancels the tasks that are left, ends
/// all I/O and frees everything; returns the value of `task` or throws what it threw.
///
/// Ctrl-C: on the main thread, if SIGINT has its default action, the first SIGINT cancels `task`.
/// When that has ended by it and the loop has closed, the process ends as killed by SIGINT (a shell
/// shows 130) with nothing beyond run() unwound; if the task returns or throws something else all
/// the same, so does run(). The second SIGINT ends the process at once.
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
  bool interrupted = false;
  try {
    Loop loop(std::move(options));
    const TaskHandle<T> main = loop.spawn(std::move(task), "main", where);
    const Interrupt interrupt(loop, [main, &interrupted] { interrupted = main.cancel(); });
    return loop.run_until_complete(main);
  } catch (const Cancelled&) {
    if (interrupted) Interrupt::end_process();
    throw;
  }
}

}  // namespace brigade
