#include "brigade/net/resolver.h"

#include <netdb.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/timeout.h"
#include "brigade/runtime/to_thread.h"
#include "brigade/tests/net/fake_host.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

using Addresses = std::vector<SocketAddress>;

Task<void> look_up(std::string host) { co_await resolve(host, 80); }

Task<void> look_up_within(Nanoseconds limit, std::string host) {
  co_await timeout(limit, look_up(host));
}

TEST_CASE("resolve: an address in digits is answered at once, without another thread") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> other = spawn(turns(1));

    const Addresses v4 = co_await resolve("127.0.0.1", 80);
    const Addresses v6 = co_await resolve("::1", 81);

    CHECK_FALSE(other.done());  // We never parked.
    REQUIRE(v4.size() == 1);
    REQUIRE(v6.size() == 1);
    CHECK(v4[0].to_string() == "127.0.0.1:80");
    CHECK(v6[0].to_string() == "[::1]:81");
    co_await other;
  });
}

TEST_CASE("resolve: localhost is this machine") {
  run_async([]() -> Task<void> {
    const Addresses found = co_await resolve("localhost", 80);

    REQUIRE_FALSE(found.empty());
    for (const SocketAddress& address : found)
      CHECK((address.to_string() == "127.0.0.1:80" || address.to_string() == "[::1]:80"));
  });
}

TEST_CASE("resolve: an empty host is every local address") {
  run_async([]() -> Task<void> {
    const Addresses found = co_await resolve("", 80);

    REQUIRE_FALSE(found.empty());
    for (const SocketAddress& address : found)
      CHECK((address.to_string() == "0.0.0.0:80" || address.to_string() == "[::]:80"));
  });
}

TEST_CASE("resolve: the addresses of a name come in the order of the system's answer") {
  run_async([]() -> Task<void> {
    const FakeHost host("many.test", {"127.0.0.3", "::1", "127.0.0.2"});
    const Addresses found = co_await resolve("many.test", 80);

    REQUIRE(found.size() == 3);
    CHECK(found[0].to_string() == "127.0.0.3:80");
    CHECK(found[1].to_string() == "[::1]:80");
    CHECK(found[2].to_string() == "127.0.0.2:80");
  });
}

TEST_CASE("resolve: a name that is unknown is an error that names it and the reason") {
  run_async([]() -> Task<void> {
    const FakeHost host("nobody.test", {}, EAI_NONAME);
    std::string message;
    int code = 0;
    try {
      co_await resolve("nobody.test", 80);
    } catch (const std::system_error& error) {
      message = error.what();
      code = error.code().value();
    }

    CHECK(message == "resolve nobody.test: " + std::string(::gai_strerror(EAI_NONAME)));
    CHECK(code == EAI_NONAME);
  });
}

TEST_CASE("resolve: a look-up runs off the loop, which keeps ticking [S-44]") {
  run_async_real([]() -> Task<void> {
    FakeHost host("mute.test", {"127.0.0.1"});
    host.hold();
    const TaskHandle<Addresses> looking = spawn(resolve("mute.test", 80));
    co_await yield_now();
    host.wait_for_lookups(1);

    for (int ticks = 0; ticks < 5; ++ticks) co_await sleep(1ms);
    CHECK_FALSE(looking.done());
    host.answer();
    const Addresses& found = co_await looking;

    CHECK(found.size() == 1);
  });
}

TEST_CASE("resolve: a cancelled look-up ends at once, and its answer is dropped [S-44]") {
  run_async_real([]() -> Task<void> {
    FakeHost host("mute.test", {"127.0.0.1"});
    host.hold();
    const TaskHandle<void> looking = spawn(look_up("mute.test"));
    co_await yield_now();
    host.wait_for_lookups(1);

    looking.cancel();
    co_await wait_done(looking);
    CHECK(looking.status() == TaskStatus::kCancelled);
    host.answer();
    co_await sleep(1ms);
  });
}

TEST_CASE("resolve: a look-up with a deadline ends by TimeoutError, not by the server [S-44]") {
  run_async_real([]() -> Task<void> {
    FakeHost host("mute.test", {"127.0.0.1"});
    host.hold();
    const std::string thrown = co_await thrown_by(look_up_within(1ms, "mute.test"));

    CHECK(contains(thrown, "TimeoutError"));
  });
}

TEST_CASE("resolve: closing the loop does not wait for a mute name server [S-44]") {
  FakeHost host("mute.test", {"127.0.0.1"});
  host.hold();
  {
    Loop loop;
    detach(loop.spawn(look_up("mute.test")));
    loop.run_once();
    host.wait_for_lookups(1);

    close_and_check(loop);
  }
  host.answer();  // To a loop that is gone.
}

std::ptrdiff_t count_threads() {
  const std::filesystem::directory_iterator all("/proc/self/task");
  return std::distance(begin(all), end(all));
}

TEST_CASE("resolve: forty look-ups take sixteen threads, and to_thread() does not wait [S-44]") {
  run_async_real([]() -> Task<void> {
    const std::ptrdiff_t before = count_threads();
    FakeHost host("mute.test", {"127.0.0.1"});
    host.hold();
    std::vector<TaskHandle<Addresses>> all;
    for (int i = 0; i < 40; ++i) all.push_back(spawn(resolve("mute.test", 80)));
    co_await yield_now();
    host.wait_for_lookups(16);

    CHECK(count_threads() <= before + 16);
    const int other = co_await to_thread([] { return 7; });
    CHECK(other == 7);
    for (const TaskHandle<Addresses>& one : all) CHECK_FALSE(one.done());
    all.back().cancel();  // One that has not begun.
    co_await wait_done(all.back());
    all.pop_back();
    host.answer();
    for (const TaskHandle<Addresses>& one : all) {
      const Addresses& found = co_await one;
      CHECK(found.size() == 1);
    }
  });
}

TEST_CASE("resolve: ten look-ups at a time are all answered") {
  run_async([]() -> Task<void> {
    const FakeHost host("busy.test", {"127.0.0.1"});
    std::vector<TaskHandle<Addresses>> all;
    for (int i = 0; i < 10; ++i) all.push_back(spawn(resolve("busy.test", 80)));

    std::size_t answered = 0;
    for (const TaskHandle<Addresses>& one : all) {
      const Addresses& found = co_await one;
      answered += found.size();
    }

    CHECK(answered == 10);
  });
}

}  // namespace
}  // namespace brigade
