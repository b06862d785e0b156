// Loads an echo server and compares every byte that comes back. Prints two lines of JSON: one when
// what follows counts, and one with how many requests were answered, how long they took, and what
// they cost the server.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "brigade/apps/command_line.h"
#include "brigade/apps/latencies.h"
#include "brigade/apps/process_times.h"
#include "brigade/net/connect.h"
#include "brigade/runtime/gather.h"
#include "brigade/runtime/loop.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kPoolSize = 65536;
constexpr std::chrono::seconds kPatience(5);
constexpr const char* kSilence = "the server has not answered for 5 s";

struct Options {
  Endpoint endpoint;
  std::size_t connections = 1;
  std::size_t size = 64;
  std::size_t in_flight = 1;
  Nanoseconds time = std::chrono::seconds(1);
  Nanoseconds warm_up = std::chrono::milliseconds(200);
  Nanoseconds busy_poll{};
  double rate = 0;
  bool reconnect = false;
  bool hold = false;
  pid_t server = 0;
};

using Streams = std::pair<StreamReader, StreamWriter>;

Task<Streams> connect(const Options& options) {
  const Endpoint& to = options.endpoint;
  if (!to.unix_path.empty()) co_return co_await open_unix_connection(to.unix_path);
  co_return co_await open_connection(to.host, to.port);
}

/// A connection with up to `in_flight` requests that wait for their answers. Each is a part of the
/// pool of random bytes, another one every time.
class Client {
 public:
  Client(Streams streams, const Options& options, const std::string& pool, std::uint64_t seed)
      : reader_(std::move(streams.first)),
        writer_(std::move(streams.second)),
        pool_(pool),
        size_(options.size),
        state_(seed),
        requests_(options.in_flight) {}

  bool waiting() const noexcept { return answered_ < asked_; }

  /// Sends a request at the end of this turn; `intended` is when it should have been sent. Never
  /// drained: at most in_flight requests are in the buffer, and a server that writes while we do is
  /// read all the same.
  void ask(TimePoint intended) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    Request& request = requests_[asked_++ % requests_.size()];
    request = {std::string_view(pool_).substr((state_ >> 33) % kPoolSize, size_), intended};
    writer_.write(request.left);
  }

  /// Parks until some bytes have come back; records and counts the requests they complete.
  Task<std::size_t> take_answers(Latencies& latencies) {
    std::string_view bytes = co_await reader_.read(kPoolSize);
    if (bytes.empty()) throw std::runtime_error("the server closed a connection");
    const TimePoint now = Loop::current().now();
    std::size_t completed = 0;
    while (!bytes.empty()) {
      if (!waiting()) throw std::runtime_error("more bytes came back than were sent");
      Request& request = requests_[answered_ % requests_.size()];
      const std::string_view part = bytes.substr(0, request.left.size());
      if (!request.left.starts_with(part)) throw std::runtime_error("other bytes came back");
      request.left.remove_prefix(part.size());
      bytes.remove_prefix(part.size());
      if (!request.left.empty()) continue;
      latencies.record(now - request.intended);
      ++answered_;
      ++completed;
    }
    co_return completed;
  }

  Task<void> close() {
    writer_.close();
    co_await writer_.wait_closed();
  }

 private:
  struct Request {
    std::string_view left;  // to come back
    TimePoint intended;
  };

  StreamReader reader_;
  StreamWriter writer_;
  const std::string& pool_;
  const std::size_t size_;
  std::uint64_t state_;
  std::vector<Request> requests_;
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options) {
    std::mt19937 random;  // The same bytes on every run.
    pool_.resize(kPoolSize + options.size);
    for (char& byte : pool_) byte = static_cast<char>(random());
  }

  ~Load() { loop_.close(); }  // Its tasks use the clients, and these use it.
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void run() { loop_.run_until_complete(load_or_hold()); }

 private:
  Task<void> load_or_hold();
  Task<void> connect_all();
  void announce() const;
  Task<void> hold();
  Task<void> measure();
  Task<void> load_all();
  Task<void> load(std::size_t number);
  Task<void> ask_again(Client& client);
  Task<void> ask_on_time(Client& client, std::size_t number);
  Task<void> ask_and_reconnect(std::size_t number);
  Task<void> answers(Client& client);
  void report(Nanoseconds time, const ProcessTimes& before);

  const Options& options_;
  Loop loop_{LoopOptions{.busy_poll = options_.busy_poll}};
  std::string pool_;
  std::vector<std::unique_ptr<Client>> clients_;
  Latencies latencies_;
  TimePoint start_{};
  bool ended_ = false;
};

Task<void> Load::answers(Client& client) {
  while (client.waiting()) co_await client.take_answers(latencies_);
}

Task<void> patiently(Task<void> task) {
  try {
    co_await timeout(kPatience, std::move(task));
  } catch (const TimeoutError&) {
    throw std::runtime_error(kSilence);
  }
}

// One after another, each with an answer: the server has accepted it, whatever its backlog.
Task<void> Load::connect_all() {
  for (std::size_t i = 0; i < options_.connections; ++i) {
    Streams streams = co_await connect(options_);
    clients_.push_back(std::make_unique<Client>(std::move(streams), options_, pool_, i));
    clients_.back()->ask(start_);
    co_await patiently(answers(*clients_.back()));
  }
}

void Load::announce() const { std::printf("{\"connections\": %zu}\n", options_.connections); }

Task<void> Load::hold() {
  announce();
  co_await wait_readable(STDIN_FILENO);
}

// A request follows the answer of another.
Task<void> Load::ask_again(Client& client) {
  for (std::size_t i = 0; i < options_.in_flight; ++i) client.ask(Loop::current().now());
  while (client.waiting()) {
    const std::size_t completed = co_await client.take_answers(latencies_);
    for (std::size_t i = 0; i < completed && !ended_; ++i) client.ask(Loop::current().now());
  }
}

// The connections take turns at a fixed rate; one that is late catches up.
Task<void> Load::ask_on_time(Client& client, std::size_t number) {
  const std::chrono::duration<double> interval(1 / options_.rate);
  for (std::size_t i = number; !ended_; i += options_.connections) {
    const TimePoint intended = after(start_, to_nanoseconds(interval * static_cast<double>(i)));
    co_await sleep_until(intended);
    if (ended_) break;
    client.ask(intended);
    co_await answers(client);
  }
}

Task<void> Load::ask_and_reconnect(std::size_t number) {
  while (!ended_) {
    const TimePoint intended = Loop::current().now();
    Streams streams = co_await connect(options_);
    Client client(std::move(streams), options_, pool_, number);
    client.ask(intended);
    co_await answers(client);
    co_await client.close();
  }
}

Task<void> Load::load(std::size_t number) {
  if (options_.reconnect) {
    co_await ask_and_reconnect(number);
  } else if (options_.rate > 0) {
    co_await ask_on_time(*clients_[number], number);
  } else {
    co_await ask_again(*clients_[number]);
  }
}

Task<void> Load::load_all() {
  std::vector<Task<void>> loads;
  for (std::size_t i = 0; i < options_.connections; ++i) loads.push_back(load(i));
  co_await gather(std::move(loads));
}

Task<void> end_of(TaskHandle<void> all) { co_await all; }

Task<void> Load::measure() {
  start_ = Loop::current().now();
  const TaskHandle<void> all = spawn(load_all());
  co_await sleep(options_.warm_up);
  announce();
  latencies_.clear();
  const TimePoint begin = Loop::current().now();
  const ProcessTimes before = options_.server ? process_times(options_.server) : ProcessTimes{};
  co_await sleep(options_.time);
  while (latencies_.count() == 0 && !all.done() &&
         Loop::current().now() < begin + options_.time + kPatience)
    co_await sleep(std::chrono::milliseconds(1));
  if (!all.done()) report(Loop::current().now() - begin, before);
  ended_ = true;
  co_await patiently(end_of(all));
}

void Load::report(Nanoseconds time, const ProcessTimes& before) {
  const std::uint64_t requests = latencies_.count();
  if (requests == 0) throw std::runtime_error(kSilence);
  const auto each = [requests](Nanoseconds spent) {
    return static_cast<double>(spent.count()) / static_cast<double>(requests);
  };
  std::printf("{\"requests\": %lu, \"seconds\": %.6f", requests,
              std::chrono::duration<double>(time).count());
  for (const auto& [name, share] : {std::pair("p50", 0.5), {"p99", 0.99}, {"p99.9", 0.999}})
    std::printf(", \"%s_ns\": %ld", name, latencies_.percentile(share).count());
  if (options_.server != 0) {
    const ProcessTimes spent = process_times(options_.server);
    std::printf(", \"server_cpu_ns\": %.1f, \"server_user_ns\": %.1f", each(spent.cpu - before.cpu),
                each(spent.user - before.user));
  }
  std::printf("}\n");
}

Task<void> Load::load_or_hold() {
  if (!options_.reconnect) co_await connect_all();
  if (options_.hold) {
    co_await hold();
  } else {
    co_await measure();
  }
}

void declare(CLI::App& app, Options& options) {
  add_endpoint(app, options.endpoint);
  const auto count = [&app](const char* name, std::size_t& value, const char* help) {
    return app.add_option(name, value, help)
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
  };
  count("--connections", options.connections, "at the same time");
  count("--size", options.size, "bytes of a request");
  CLI::Option* const in_flight =
      count("--in-flight", options.in_flight, "requests that each connection has under way");
  add_duration(app, "--time", options.time,
               "that counts, longer if no answer comes in it (default 1s)");
  add_duration(app, "--warm-up", options.warm_up, "before it (default 200ms)");
  add_duration(
      app, "--busy-poll", options.busy_poll,
      "ask for answers for so long before it sleeps; else what a request takes has the load's "
      "own wake-up in it");
  app.add_option("--rate", options.rate,
                 "requests per second in all, whether the server keeps up or not; by default each "
                 "follows an answer. A request is late from when it should have been sent")
      ->check(CLI::PositiveNumber)
      ->excludes(in_flight);
  app.add_flag("--reconnect", options.reconnect, "each request on a connection of its own")
      ->excludes("--rate", "--in-flight");
  app.add_flag("--hold", options.hold,
               "one request per connection, then hold them all until something comes on stdin")
      ->excludes("--rate", "--in-flight", "--reconnect");
  app.add_option("--server-pid", options.server, "also tell what a request costs this process")
      ->check(CLI::Range(1, std::numeric_limits<pid_t>::max()));
}

}  // namespace
}  // namespace brigade::apps

int main(int argc, char** argv) {
  using namespace brigade::apps;
  CLI::App app("Loads an echo server and compares every byte that comes back.", "echo_load");
  Options options;
  declare(app, options);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // Each line at once, also into a pipe.
  return run_app(app, argc, argv, [&options] {
    Load load(options);
    load.run();
  });
}
