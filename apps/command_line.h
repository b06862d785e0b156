#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "brigade/runtime/clock.h"

namespace brigade::apps {

/// Where a server is.
struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1234;
  std::string unix_path;  // Instead of host and port, if not empty.
};

/// Declares --host, --port and --unix.
void add_endpoint(CLI::App& app, Endpoint& endpoint);

/// Declares an option that takes a duration, see parse_duration(). Throws CLI::ValidationError,
/// while it parses, for any other text.
CLI::Option* add_duration(CLI::App& app, const std::string& name, Nanoseconds& value,
                          const std::string& help);

/// What main() returns: 0 when `run` has returned, 1 with its message when it threw, 2 with what is
/// accepted when the arguments are wrong, and 0 for --help.
int run_app(CLI::App& app, int argc, char** argv, const std::function<void()>& run);

}  // namespace brigade::apps
