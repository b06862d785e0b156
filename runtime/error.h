#pragma once

#include <stdexcept>
#include <string>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Thrown at the suspension point of a task that was cancelled. Deliberately not a std::exception,
/// so that `catch (const std::exception&)` cannot swallow a cancel. Let it pass, or rethrow it.
class Cancelled final {};

/// The deadline of `timeout()` passed before its task ended.
class TimeoutError final : public std::runtime_error {
 public:
  TimeoutError() : std::runtime_error("deadline passed") {}
};

/// The program can never continue: tasks wait, but no timer, no kernel operation and no other
/// thread can wake any of them. what() names the tasks and what each waits for.
class DeadlockError final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws std::system_error for a negative errno as the kernel returns it; `label` names the
/// operation and its object, such as "connect to 127.0.0.1:80".
[[noreturn]] void throw_errno(int negative_errno, const std::string& label);

}  // namespace brigade
