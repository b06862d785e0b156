#pragma once

#include <csignal>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Has a handler called for a signal while it lives; afterwards the signal has the action that it
/// had before. They nest: the newest one of a signal is called, and must end first.
///
/// Errors:     std::system_error for SIGKILL, SIGSTOP and what is no signal.
/// Complexity: O(1).
/// Threads:    the handler runs on whichever thread the kernel chooses, in the middle of whatever
///             that does: it may only do what is async-signal-safe. When the destructor has
///             returned it runs nowhere.
/// Lifetime:   `object` must outlive it.
class CaughtSignal {
 public:
  using Handler = void (*)(void* object, int number) noexcept;
  enum class Times { kAlways, kOnce };  // After kOnce the signal has its default action.

  CaughtSignal(int number, Times times, Handler handler, void* object);
  ~CaughtSignal();
  CaughtSignal(const CaughtSignal&) = delete;
  CaughtSignal& operator=(const CaughtSignal&) = delete;

 private:
  static void caught(int number);

  const int number_;
  const Handler handler_;
  void* const object_;
  CaughtSignal* outer_ = nullptr;
  struct sigaction before_{};
};

}  // namespace brigade
