#pragma once

#include <cstddef>

namespace brigade {

/// Linking this replaces operator new and delete of the whole program by ones that are counted, and
/// that fail on demand: while a FailNth lives, the n-th allocation from then on (1 is the next one)
/// throws std::bad_alloc, and so do all that follow it if `onwards` is set. Allocations of all
/// threads count, as a library's own threads must not fail either. One lives at a time.
class FailNth {
 public:
  struct Plan {
    std::size_t nth;
    bool onwards = false;
  };

  explicit FailNth(Plan plan) noexcept;
  explicit FailNth(std::size_t nth) noexcept : FailNth(Plan{nth}) {}
  ~FailNth();
  FailNth(const FailNth&) = delete;
  FailNth& operator=(const FailNth&) = delete;

  /// Allocations that the latest one has failed.
  static std::size_t failures() noexcept;
};

/// While one lives, the allocations of its thread neither count nor fail.
class NeverFail {
 public:
  NeverFail() noexcept;
  ~NeverFail();
  NeverFail(const NeverFail&) = delete;
  NeverFail& operator=(const NeverFail&) = delete;
};

/// How often operator new was called.
std::size_t allocations() noexcept;

/// What operator new has given out and operator delete has not got back.
std::size_t outstanding_allocations() noexcept;

}  // namespace brigade
