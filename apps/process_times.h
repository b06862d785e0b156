#pragma once

#include <sys/types.h>

#include "brigade/runtime/clock.h"

namespace brigade::apps {

/// What a process has had of the CPUs so far, all its threads together.
struct ProcessTimes {
  Nanoseconds cpu;   // exact, of the threads that live: /proc/PID/task/*/schedstat
  Nanoseconds user;  // in user mode, sampled by the kernel's clock tick: /proc/PID/stat
};

/// Errors: std::runtime_error if there is no such process, or its times are not told.
ProcessTimes process_times(pid_t process);

}  // namespace brigade::apps
