#pragma once

#include <cstdint>

#include "brigade/runtime/custom_backend.h"

namespace brigade {

/// What a chaos back end has done.
struct ChaosCounts {
  std::uint64_t delayed = 0;       // results told in a later wait than they came
  std::uint64_t permuted = 0;      // waits that told results in another order than they came
  std::uint64_t shortened = 0;     // receives and sends that asked for less; pieces cut in two
  std::uint64_t interrupted = 0;   // results of -EINTR
  std::uint64_t again = 0;         // results of -EAGAIN
  std::uint64_t shortages = 0;     // accepts and multishot receives ended for want of something
  std::uint64_t last_clients = 0;  // those ended behind a client or piece, without an error
  std::uint64_t unknown = 0;       // results of -512

  bool operator==(const ChaosCounts&) const = default;
};

/// How much chaos there is to be. Chances are in percent; at 100 what is answered by -EINTR,
/// -EAGAIN or -512 never gets through.
struct ChaosOptions {
  std::uint32_t seed = 1;
  unsigned delayed = 50;       // results that are told late
  unsigned longest_delay = 3;  // by at most so many waits
  unsigned shortened = 50;     // receives and sends that ask for less than they could
  unsigned interrupted = 10;   // receives and sends answered by -EINTR or -EAGAIN
  unsigned shortages = 5;      // clients and pieces behind which the multishot operation ends
  unsigned unknown = 0;        // operations of any kind answered by -512, an error to their owner

  /// There is no more chaos once it is true: what was begun and what will be goes as the kernel
  /// says.
  const bool* calm = nullptr;

  /// Added to while the loop lives, if given.
  ChaosCounts* counts = nullptr;
};

/// A back end for tests: io_uring with a submission queue of two entries, as slow, as stingy and as
/// unreliable as a back end may be (docs/design/back_ends.md).
///
///     LoopOptions options;
///     options.make_backend = chaos({.seed = 7});
///
/// Results are told late and out of order, in wait() and poll() alone, one per operation in each.
/// Receives and sends are short, -EINTR and -EAGAIN come without that the kernel was asked, a
/// cancelled operation may end by -EINTR, an accept and a multishot receive end when they like, and
/// what one piece brought is told as two. Nothing is lost: clients that were accepted, and bytes,
/// are told, also behind a cancel, and an operation counts as in flight until its final result was
/// told.
///
/// The kernel sees copies of the buffers. What it received is written to the owner's memory when
/// the result is told, by code that a sanitizer sees, and what is sent must not have changed by
/// then: an owner that does not leave its memory and its descriptor alone until the final
/// completion is found.
///
/// The n-th operation submitted meets the same decisions in every run with the same seed. What it
/// meets them with, and which results come at the same time, is up to the kernel.
///
/// Errors:     the factory throws what Ring throws; none but those results; bad_alloc ends the
///             program.
/// Complexity: an allocation or two per operation.
/// Threads:    one per loop; the factory may be copied and used for several loops.
BackendFactory chaos(ChaosOptions options = {});

}  // namespace brigade
