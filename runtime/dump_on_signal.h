#pragma once

#include <atomic>
#include <memory>

#include "brigade/runtime/caught_signal.h"
#include "brigade/runtime/loop.h"

namespace brigade {

/// While it lives, a signal has the loop write its task_tree() to stderr, between two steps of its
/// tasks: `DumpOnSignal dump(Loop::current(), SIGQUIT);`, then `kill -QUIT` shows what a program
/// waits for that seems to hang. Signals that come before the tree is written count as one.
///
/// Errors:       the constructor throws std::system_error for a signal that cannot be caught, and
///               std::bad_alloc. A tree for which there is no memory is not written; if there is
///               none to prepare for the next signal either, no later one is seen.
/// Cancellation: not a suspension point.
/// Complexity:   that of task_tree(), when the signal comes.
/// Threads:      loop-affine; the signal may reach any thread.
/// Lifetime:     must end before the loop.
/// Example:      examples/dump_on_signal.cc
class DumpOnSignal {
 public:
  DumpOnSignal(Loop& loop, int signal);
  ~DumpOnSignal();
  DumpOnSignal(const DumpOnSignal&) = delete;
  DumpOnSignal& operator=(const DumpOnSignal&) = delete;

 private:
  // Outlives what was posted.
  struct State {
    State(Loop& l) : loop(&l), door(l.door()) {}
    Loop* loop;  // Null when the dump has ended.
    const std::shared_ptr<PostDoor> door;
    std::atomic<PostDoor::Posted*> next = nullptr;  // Made ahead, as a handler has no memory.
  };

  static void caught(void* state, int signal) noexcept;
  static void make_next(const std::shared_ptr<State>& state);
  static void dump(const std::shared_ptr<State>& state) noexcept;

  const std::shared_ptr<State> state_;
  const CaughtSignal caught_;
};

}  // namespace brigade
