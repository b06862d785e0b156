#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "brigade/net/stream.h"
#include "brigade/runtime/task.h"

namespace brigade {

/// `auto [reader, writer] = co_await open_connection("localhost", 8080);` connects over TCP, trying
/// the addresses of the host in order; open_unix_connection() connects to a Unix socket (a path
/// that starts with a NUL byte is abstract).
///
/// Errors:       std::system_error that names what was tried, and each address with its reason if
///               all of several failed; std::invalid_argument for a path over 107 bytes.
/// Cancellation: safe; it resumes when the kernel has given the attempt back. A connection that won
///               the race is returned, and the cancel is due at the next suspension point.
/// Complexity:   one operation per address tried.
/// Threads:      loop-affine; names are looked up on another thread.
/// Lifetime:     the streams must not outlive the loop.
/// Example:      examples/pong.cc
Task<std::pair<StreamReader, StreamWriter>> open_connection(std::string host, std::uint16_t port);
Task<std::pair<StreamReader, StreamWriter>> open_unix_connection(std::string path);

}  // namespace brigade
