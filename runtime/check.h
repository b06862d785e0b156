#pragma once

#include <source_location>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Ends the process, naming the caller's file and line, when a caller broke a rule of ours or our
/// own invariant broke: a state nobody can repair. Kept in release builds.
///
/// Errors:     none; it returns or aborts.
/// Complexity: one predictable branch.
/// Threads:    any.
[[noreturn]] void check_failed(const char* why, std::source_location where) noexcept;

inline void check(bool ok, const char* why,
                  std::source_location where = std::source_location::current()) noexcept {
  if (!ok) [[unlikely]]
    check_failed(why, where);
}

}  // namespace brigade
