#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace brigade {

/// For LoopOptions::pick_ready: runs the tasks that can run in an order decided by `seed`, the same
/// in every run. On the virtual clock a program without outside I/O then runs exactly the same way
/// again; with many seeds it shows what depends on the order by mistake.
///
///     for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
///       INFO("seed=", seed);
///       LoopOptions options;
///       options.clock = ClockKind::kVirtual;
///       options.pick_ready = seeded_order(seed);
///       run(my_test(), std::move(options));
///     }
std::function<std::size_t(std::size_t)> seeded_order(std::uint64_t seed);

/// Every schedule of a small program, one after the other: depth first over all that it decides.
///
///     Schedules schedules;
///     while (schedules.next()) {
///       LoopOptions options;
///       options.clock = ClockKind::kVirtual;
///       options.pick_ready = schedules.order();
///       run(my_test(schedules), std::move(options));  // May call schedules.pick() itself.
///     }
///
/// The program must do the same whenever the same was decided, and end.
///
/// Errors:     a run that decides among another number than the one before did at the same place
///             depends on something else: a broken check.
/// Complexity: as many runs as there are schedules: keep it to a few tasks of a few awaits.
/// Threads:    one.
/// Lifetime:   outlives what order() returned.
/// Example:    examples/schedules.cc
class Schedules {
 public:
  /// Goes to the next schedule; false when all have been run.
  bool next();

  /// Decides among `n` things of the program's own, such as when to cancel: 0 to n - 1.
  std::size_t pick(std::size_t n);

  /// For LoopOptions::pick_ready.
  std::function<std::size_t(std::size_t)> order();

  /// Runs up to now.
  std::size_t count() const noexcept { return count_; }

  /// What was decided in this run, such as "0 2 1": name it when a check fails.
  std::string to_string() const;

 private:
  struct Decision {
    std::size_t picked;
    std::size_t of;
  };

  std::vector<Decision> decisions_;
  std::size_t made_ = 0;  // of them in this run
  std::size_t count_ = 0;
};

}  // namespace brigade
