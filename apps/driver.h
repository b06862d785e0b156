#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "brigade/apps/generator.h"
#include "brigade/apps/load.h"

namespace brigade::apps {

/// A service that sends back what it gets, and the load to put on it.
struct Drive {
  std::string host = {};
  std::uint16_t port = 0;
  std::string message = "Hello";
  Nanoseconds give_up = std::chrono::seconds(30);  // on a client, who has then failed
  Load load = {};
  std::vector<Nanoseconds> arrivals = {};  // of an open load
};

struct Driven {
  Attendance attendance;
  std::string error;  // the first that made a client fail
};

/// Puts the load on the service: each client connects, sends the message, waits for as many bytes,
/// and closes. On the real clock, from the intended arrival on.
///
/// Errors:     std::system_error if no back end can start; a client that fails is counted as such.
/// Complexity: a task and a connection per client while it is there.
/// Threads:    no loop may run on this one.
Driven drive(const Drive& drive);

}  // namespace brigade::apps
