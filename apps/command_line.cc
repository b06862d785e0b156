#include "brigade/apps/command_line.h"

#include <cstdio>
#include <exception>
#include <stdexcept>

#include "brigade/apps/duration.h"

namespace brigade::apps {

CLI::Option* add_duration(CLI::App& app, const std::string& name, Nanoseconds& value,
                          const std::string& help) {
  const auto set = [name, &value](const std::string& text) {
    try {
      value = parse_duration(text);
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError(name, error.what());
    }
  };
  return app.add_option_function<std::string>(name, set, help)->type_name("DURATION");
}

void add_endpoint(CLI::App& app, Endpoint& endpoint) {
  app.add_option("--host", endpoint.host, "the server's name or address")->capture_default_str();
  app.add_option("--port", endpoint.port, "its TCP port; a server takes a free one for 0")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  const auto not_empty = [](const std::string& path) {
    return std::string(path.empty() ? "a path is accepted, not ''" : "");
  };
  app.add_option("--unix", endpoint.unix_path, "a Unix socket's path, instead of host and port")
      ->check(not_empty);
}

int run_app(CLI::App& app, int argc, char** argv, const std::function<void()>& run) {
  constexpr int kBadUsage = 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::fprintf(stderr, "%s: %s\nSee %s --help.\n", app.get_name().c_str(), error.what(),
                 app.get_name().c_str());
    return kBadUsage;
  }
  try {
    run();
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
    return 1;
  }
  return 0;
}

}  // namespace brigade::apps
