#pragma once

#include <cstddef>
#include <functional>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/custom_backend.h"
#include "brigade/runtime/operation.h"

namespace brigade {

class TaskRef;

/// How a loop runs. Each has a default that suits a program as it is.
struct LoopOptions {
  ClockKind clock = ClockKind::kReal;

  BackendKind backend = BackendKind::kAuto;

  /// Makes the back end instead: see testing/simulation.h and testing/chaos.h.
  BackendFactory make_backend = {};

  /// Submission queue entries, 1 to kMaxRingEntries; more operations than that in one turn cost
  /// another system call.
  unsigned ring_entries = 256;
  static constexpr unsigned kMaxRingEntries = 32768;  // IORING_MAX_ENTRIES

  /// How long the loop, before it sleeps, asks for I/O and posts over and over: what comes
  /// meanwhile is not late by a wake-up of the processor, and the processor is busy for so long
  /// each time. No timer is late by it. Only where a core can be spared; the virtual clock has no
  /// use for it.
  Nanoseconds busy_poll = Nanoseconds::zero();

  /// Called once for a failed task whose outcome nobody looked at. By default a line on stderr.
  std::function<void(const TaskRef&)> on_unhandled_error = {};

  /// Called when a task has ended, before anybody who waits for it runs.
  std::function<void(const TaskRef&)> on_task_end = {};

  /// Picks the task that runs next: gets the number of those that can, returns its place among
  /// them, 0 for the one that became ready first. By default they run in that order. See
  /// testing/schedules.h.
  std::function<std::size_t(std::size_t ready)> pick_ready = {};

  /// A task that runs longer than this without a suspension is told: it holds up all the others.
  /// Zero tells of none. Costs two looks at the clock per step.
  Nanoseconds stall_limit = Nanoseconds::zero();

  /// Called for such a task when it has suspended. By default a line on stderr.
  std::function<void(const TaskRef&, Nanoseconds)> on_stall = {};
};

}  // namespace brigade
