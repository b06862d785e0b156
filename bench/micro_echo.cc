// What a request costs with both its ends in one loop, so that each is the same as the last: on a
// Unix socket, as the kernel hands its bytes over within the system call.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "benchmark/benchmark.h"
#include "brigade/bench/told_iterations.h"
#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/run.h"

namespace {

using brigade::StreamReader;
using brigade::StreamWriter;
using brigade::Task;

Task<void> echo(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string_view bytes = co_await reader.read(65536);
    if (bytes.empty()) co_return;
    writer.write(bytes);
    co_await writer.drain();
  }
}

Task<void> there_and_back(benchmark::State& state) {
  const std::string path = std::string(1, '\0') + "brigade-micro-" + std::to_string(getpid());
  const brigade::Server server = co_await start_unix_server(&echo, path);
  auto [reader, writer] = co_await brigade::open_unix_connection(path);
  const std::string message(64, 'x');
  for (auto _ : state) {
    writer.write(message);
    co_await writer.drain();
    const std::string_view answer = co_await reader.readexactly(message.size());
    if (answer != message) std::abort();
  }
}

void echo_on_io_uring(benchmark::State& state) {
  brigade::LoopOptions options;
  options.backend = brigade::BackendKind::kIoUring;
  brigade::run(there_and_back(state), std::move(options));
}

BENCHMARK(echo_on_io_uring)->Name("echo: there and back, both ends")->Apply(kToldIterations);

}  // namespace
