#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "brigade/net/address.h"
#include "brigade/runtime/task.h"

namespace brigade {

/// The addresses of a host, in the order to try them (RFC 6724, as getaddrinfo(3) sorts them). An
/// address in digits is answered at once; a name is looked up on another thread, so that a slow
/// name server never holds the loop. An empty host means every local address, for a server.
///
/// Errors:       std::system_error with the label "resolve HOST" and getaddrinfo's reason.
/// Cancellation: safe and at once; the look-up ends by itself and its answer is dropped.
/// Complexity:   at most 16 look-ups at a time in the program, on threads of their own; further
///               ones wait their turn.
/// Threads:      loop-affine.
/// Lifetime:     none.
/// Example:      examples/pong.cc
Task<std::vector<SocketAddress>> resolve(std::string host, std::uint16_t port);

}  // namespace brigade
