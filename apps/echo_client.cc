// Sends messages to an echo server, all at the same time, and prints what comes back.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "brigade/apps/command_line.h"
#include "brigade/net/connect.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"

namespace brigade::apps {
namespace {

struct Options {
  Endpoint endpoint;
  std::size_t count = 5;
  std::string message = "Hello";
  bool verbose = false;
};

Task<std::pair<StreamReader, StreamWriter>> connect(const Options& options) {
  const Endpoint& to = options.endpoint;
  if (!to.unix_path.empty()) co_return co_await open_unix_connection(to.unix_path);
  co_return co_await open_connection(to.host, to.port);
}

Task<void> echo(const Options& options, std::string message) {
  auto [reader, writer] = co_await connect(options);
  std::printf("sent: %s\n", message.c_str());
  writer.write(message);
  co_await writer.drain();
  writer.write_eof();
  std::string answer;
  while (answer.size() < message.size()) {
    const std::string_view bytes = co_await reader.read(message.size() - answer.size());
    if (bytes.empty()) break;
    answer += bytes;
  }
  if (answer != message)
    throw std::runtime_error("sent '" + message + "' but received '" + answer + "'");
  std::printf("received: %s\n", answer.c_str());
  writer.close();
}

Task<void> echo_all(const Options& options) {
  if (options.verbose) std::printf("%s\n", Loop::current().capabilities().to_string().c_str());
  const auto start = std::chrono::steady_clock::now();
  std::vector<Task<void>> clients;
  for (std::size_t i = 0; i < options.count; ++i)
    clients.push_back(echo(options, options.message + " " + std::to_string(i)));
  co_await gather(std::move(clients));
  const std::chrono::duration<double> total = std::chrono::steady_clock::now() - start;
  std::printf("total time: %.3f s\n", total.count());
}

void declare(CLI::App& app, Options& options) {
  add_endpoint(app, options.endpoint);
  app.add_option("--count", options.count, "clients at the same time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--message", options.message, "what each sends, followed by its number")
      ->capture_default_str();
  app.add_flag("--verbose", options.verbose, "print what the loop asks the kernel by");
}

}  // namespace
}  // namespace brigade::apps

int main(int argc, char** argv) {
  using namespace brigade::apps;
  CLI::App app("Sends messages to an echo server, all at the same time.", "echo_client");
  Options options;
  declare(app, options);
  return run_app(app, argc, argv, [&options] { brigade::run(echo_all(options)); });
}
