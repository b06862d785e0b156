// Return to sender: a server that sends back what it receives, and a client of it.
#include <cstdio>
#include <string>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/run.h"

brigade::Task<void> pong_handler(brigade::StreamReader reader, brigade::StreamWriter writer) {
  writer.write(co_await reader.read(4096));
  co_await writer.drain();
  writer.close();
}

brigade::Task<void> play() {
  brigade::Server server = co_await brigade::start_server(pong_handler, "127.0.0.1", 0);
  const std::uint16_t port = server.addresses().front().port();

  auto [reader, writer] = co_await brigade::open_connection("127.0.0.1", port);
  writer.write("ping");
  const std::string answer(co_await reader.read(4096));
  std::printf("sent 'ping', received '%s'\n", answer.c_str());

  server.close();
  co_await server.wait_closed();
}

int main() { brigade::run(play()); }
