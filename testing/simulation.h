#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

#include "brigade/runtime/custom_backend.h"

namespace brigade {

/// How the simulated network behaves. Chances are in percent.
struct SimulationOptions {
  std::uint32_t seed = 1;

  /// Time that each delivery takes: bytes, an end of stream, a reset, a connect. 0 is at once.
  Nanoseconds shortest_latency = Nanoseconds::zero();
  Nanoseconds longest_latency = std::chrono::milliseconds(1);

  /// Bytes on their way and not read yet, per direction of a connection; more have to wait.
  std::size_t buffer = 65536;

  unsigned short_receives = 50;  // operations that get less than there is
  unsigned short_sends = 50;     // sends that take less than there is room for
  unsigned resets = 0;           // connections that break after some deliveries
  unsigned shortages = 0;        // clients before whom an accept ends by EMFILE or ENOBUFS

  /// Gets a line for each event, if given: the same lines in the same order for the same seed.
  std::ostream* trace = nullptr;
};

/// A network in memory in place of the kernel's sockets: servers and connections of one loop, which
/// speak to each other alone, without a system call.
///
///     LoopOptions options;
///     options.clock = ClockKind::kVirtual;
///     options.make_backend = simulation({.seed = 7});
///
/// On the virtual clock a run depends on nothing but the program and the seed: which of two
/// completions that come together is told first, how long a delivery takes, whether a cancel that
/// comes with the result wins, and where a receive is cut. What fails with one seed fails again.
///
/// TCP (IPv4 and IPv6, every address is this machine's) and Unix sockets, by path or abstract, as
/// Linux has them: bytes in order, behind them the end of the stream, each direction by itself; a
/// reset by abort(), by closing with unread input, or by writing to who has closed, which may
/// destroy bytes on their way, never one in the middle; a backlog, back-pressure, EADDRINUSE,
/// ECONNREFUSED, ENOENT, EPIPE. A port has one server, whatever ServerOptions says. Paths are names
/// in memory: no file is made. Names of hosts are looked up by getaddrinfo(3) in place.
///
/// Descriptors of the kernel can be polled (wait_readable(), signals, posts from other threads),
/// which costs the run its determinism. If neither such a one nor the network can wake any task,
/// the loop throws DeadlockError.
///
/// Errors:       none but those a network has; bad_alloc ends the program, as does a socket that is
///               closed under an operation on it.
/// Cancellation: decided by the seed where operation and cancel could both win.
/// Complexity:   an operation or delivery O(log n) and some allocations.
/// Threads:      one per loop; the factory may be copied and used for several loops, each of which
///               has a network of its own.
/// Lifetime:     `trace` must outlive the loop.
/// Example:      examples/simulated_network.cc
BackendFactory simulation(SimulationOptions options = {});

}  // namespace brigade
