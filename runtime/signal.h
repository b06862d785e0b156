#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <list>

#include "brigade/runtime/caught_signal.h"
#include "brigade/runtime/task.h"
#include "brigade/runtime/unique_fd.h"

namespace brigade {

/// Signals that a task awaits, instead of their action, while this lives:
/// `Signals signals({SIGHUP, SIGTERM}); const int number = co_await signals.wait();`
/// One that comes while nobody waits is kept for the next wait(); as with the kernel, more of the
/// same number until then are one. Of several numbers the lowest comes first. To have a signal
/// handled whenever it comes, spawn a task that awaits it in a loop. Afterwards each signal has the
/// action that it had before; what was kept is dropped.
///
/// Errors:       the constructor throws std::system_error for what cannot be caught.
/// Cancellation: safe; a cancelled wait() takes no signal.
/// Complexity:   a wait() O(1) and one descriptor; no signal is blocked in any thread, so what the
///               program executes inherits nothing.
/// Threads:      loop-affine. A program may have it in one loop for each number: the newest gets
///               the signal, and must end first.
/// Lifetime:     must outlive its waits.
/// Example:      examples/signals.cc
class Signals {
 public:
  explicit Signals(std::initializer_list<int> numbers);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Parks until one of the signals has come, and returns its number.
  Task<int> wait();

 private:
  static void caught(void* object, int number) noexcept;
  int take() noexcept;  // 0 if none has come

  UniqueFd event_;
  std::atomic<std::uint64_t> pending_ = 0;  // A bit for each number.
  std::list<CaughtSignal> caught_;
};

}  // namespace brigade
