#include "brigade/apps/driver.h"

#include <exception>
#include <stdexcept>
#include <utility>

#include "brigade/net/connect.h"
#include "brigade/runtime/timeout.h"

namespace brigade::apps {
namespace {

Task<void> ask(const Drive& drive) {
  auto [reader, writer] = co_await open_connection(drive.host, drive.port);
  writer.write(drive.message);
  co_await writer.drain();
  const std::string_view answer = co_await reader.readexactly(drive.message.size());
  if (answer != drive.message) throw std::runtime_error("the service answers something else");
  writer.close();
}

Task<void> serve(const Drive& drive, Driven& driven, std::size_t client) {
  std::string error;
  try {
    co_await timeout(drive.give_up, ask(drive));
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  driven.attendance.clients[client].failed = !error.empty();
  if (driven.error.empty()) driven.error = std::move(error);
}

}  // namespace

Driven drive(const Drive& what) {
  Driven driven;
  Generator generator(what.load, what.arrivals, ClockKind::kReal, 1, driven.attendance);
  generator.run([&](std::size_t client) { return serve(what, driven, client); });
  return driven;
}

}  // namespace brigade::apps
