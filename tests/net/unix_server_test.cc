
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

namespace fs = std::filesystem;

Task<void> start_at(std::string path) { co_await start_unix_server(&echo, std::move(path)); }

Task<int> start_errno(std::string path) {
  try {
    co_await start_at(std::move(path));
  } catch (const std::system_error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

Task<bool> answers_at(std::string path) {
  auto [reader, writer] = co_await open_unix_connection(std::move(path));
  const bool served = co_await is_served(reader, writer);
  co_return served;
}

Task<void> ask(std::string path) { co_await open_unix_connection(std::move(path)); }

fs::path path_of_size(const ShortFolder& folder, std::size_t size) {
  const std::string start = folder / "";
  return start + std::string(size - start.size(), 'p');
}

TEST_CASE("Unix server: a client is served at its path, and the path is its address") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const Server server = co_await start_unix_server(&echo, folder / "s");

    const bool served = co_await answers_at(folder / "s");

    CHECK(served);
    REQUIRE(server.addresses().size() == 1);
    CHECK(server.addresses()[0].to_string() == folder / "s");
  });
}

TEST_CASE(
    "Unix server: a path of 107 bytes is served, 108 are refused before anything is made [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const std::string longest = path_of_size(folder, 107);
    const std::string too_long = path_of_size(folder, 108);

    const Server server = co_await start_unix_server(&echo, longest);
    const bool served = co_await answers_at(longest);
    const std::string thrown = co_await thrown_by(start_at(too_long));

    CHECK(served);
    CHECK(contains(thrown, "std::invalid_argument"));
    CHECK(contains(thrown, "108 bytes"));
    CHECK(contains(thrown, too_long));
    CHECK_FALSE(fs::exists(too_long));
  });
}

TEST_CASE("Unix server: an empty path is refused [S-42]") {
  run_async([]() -> Task<void> {
    const std::string thrown = co_await thrown_by(start_at(""));

    CHECK(contains(thrown, "std::invalid_argument"));
  });
}

TEST_CASE("Unix server: an abstract name is served and leaves no file [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;  // Its name is nobody else's.
    const std::string name = '\0' + (folder / "abstract");

    Server server = co_await start_unix_server(&echo, name);
    const bool served = co_await answers_at(name);
    const int again = co_await start_errno(name);
    server.close();
    const std::string thrown = co_await thrown_by(ask(name));

    CHECK(served);
    CHECK(server.addresses()[0].to_string() == "@" + (folder / "abstract"));
    CHECK(again == EADDRINUSE);
    CHECK(contains(thrown, "Connection refused"));
    CHECK_FALSE(fs::exists(folder / "abstract"));
  });
}

TEST_CASE("Unix server: a path where a server answers is EADDRINUSE, and stays its own [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const Server server = co_await start_unix_server(&echo, folder / "s");

    const int error = co_await start_errno(folder / "s");
    const std::string thrown = co_await thrown_by(start_at(folder / "s"));
    const bool served = co_await answers_at(folder / "s");

    CHECK(error == EADDRINUSE);
    CHECK(contains(thrown, "listen on " + (folder / "s")));
    CHECK(served);
  });
}

TEST_CASE("Unix server: after close() a connect is refused, and clients are served on [S-25]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    Server server = co_await start_unix_server(&echo, folder / "s");
    auto [reader, writer] = co_await open_unix_connection(folder / "s");
    const bool before = co_await is_served(reader, writer);

    server.close();
    const std::string thrown = co_await thrown_by(ask(folder / "s"));
    const bool after = co_await is_served(reader, writer);

    CHECK(before);
    CHECK(contains(thrown, "No such file"));
    CHECK(after);
  });
}

}  // namespace
}  // namespace brigade
