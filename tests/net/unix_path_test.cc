// The socket files of Unix servers.
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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

mode_t mode_of(const std::string& path) {
  struct stat file{};
  return ::stat(path.c_str(), &file) == 0 ? file.st_mode & 07777U : 0;
}

// What is left behind by a server that was killed.
void leave_stale_socket(const std::string& path) {
  const Socket gone = listen_at(SocketAddress::unix_path(path));
}

TEST_CASE("Unix server: a relative path is taken from the working directory [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const fs::path before = fs::current_path();
    fs::current_path(folder / "");

    Server server = co_await start_unix_server(&echo, "here");
    const bool served = co_await answers_at(folder / "here");
    server.close();

    CHECK(served);
    CHECK_FALSE(fs::exists(folder / "here"));
    fs::current_path(before);
  });
}

TEST_CASE("Unix server: the socket has mode 0600, whatever the umask [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    for (const mode_t mask : {0U, 022U, 077U}) {
      const mode_t before = ::umask(mask);
      const Server server = co_await start_unix_server(&echo, folder / "s");
      ::umask(before);

      CAPTURE(mask);
      CHECK(mode_of(folder / "s") == 0600);
    }
  });
}

TEST_CASE("Unix server: close() removes the path, once [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    Server server = co_await start_unix_server(&echo, folder / "s");
    CHECK(fs::exists(folder / "s"));

    server.close();
    CHECK_FALSE(fs::exists(folder / "s"));
    const Socket other = listen_at(SocketAddress::unix_path(folder / "s"));
    server.close();

    CHECK(fs::exists(folder / "s"));
  });
}

TEST_CASE("Unix server: the destructor and the end of the loop remove the path too [S-42]") {
  const ShortFolder folder;
  Loop loop(loop_options());
  const auto serve = [](std::string path) -> Task<void> {
    {
      const Server dropped = co_await start_unix_server(&echo, path + "1");
    }
    Server server = co_await start_unix_server(&echo, path + "2");
    co_await server.serve_forever();
  };
  detach(loop.spawn(serve(folder / "s")));
  for (int i = 0; i < 3; ++i) loop.run_once();
  CHECK_FALSE(fs::exists(folder / "s1"));
  CHECK(fs::exists(folder / "s2"));

  close_and_check(loop);

  CHECK_FALSE(fs::exists(folder / "s2"));
}

TEST_CASE("Unix server: a socket file that nobody answers at is replaced [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    leave_stale_socket(folder / "s");
    CHECK(fs::exists(folder / "s"));

    const Server server = co_await start_unix_server(&echo, folder / "s");
    const bool served = co_await answers_at(folder / "s");

    CHECK(served);
  });
}

TEST_CASE("Unix server: a path where a busy server is, with a full backlog, is not taken [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    const SocketAddress address = SocketAddress::unix_path(folder / "s");
    const Socket busy = listen_at(address, 0);
    const std::vector<Socket> clients = fill_backlog(address);

    const int error = co_await start_errno(folder / "s");

    CHECK(error == EADDRINUSE);
    CHECK(fs::exists(folder / "s"));
  });
}

TEST_CASE("Unix server: what is no socket is not deleted, be it a file, folder or link [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    std::ofstream(folder / "file") << "precious";
    fs::create_directory(folder / "folder");
    leave_stale_socket(folder / "stale");
    fs::create_symlink(folder / "stale", folder / "link");
    fs::create_symlink(folder / "nowhere", folder / "dangling");

    for (const char* name : {"file", "folder", "link", "dangling"}) {
      const int error = co_await start_errno(folder / name);
      CAPTURE(name);
      CHECK(error == EADDRINUSE);
      CHECK(fs::symlink_status(folder / name).type() != fs::file_type::not_found);
    }
    CHECK(fs::file_size(folder / "file") == 8);
    CHECK(fs::exists(folder / "stale"));
  });
}

TEST_CASE("Unix server: a path that was replaced meanwhile is not deleted by close() [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    Server first = co_await start_unix_server(&echo, folder / "a");
    Server second = co_await start_unix_server(&echo, folder / "b");
    fs::remove(folder / "a");
    std::ofstream(folder / "a") << "a file now";
    fs::rename(folder / "b", folder / "moved");
    const Socket other = listen_at(SocketAddress::unix_path(folder / "b"));

    first.close();
    second.close();

    CHECK(fs::is_regular_file(folder / "a"));
    CHECK(fs::is_socket(folder / "b"));
    CHECK(fs::exists(folder / "moved"));
  });
}

TEST_CASE("Unix server: a path whose file is gone is no error at close() [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;
    Server server = co_await start_unix_server(&echo, folder / "s");
    fs::remove(folder / "s");

    server.close();
    co_await server.wait_closed();

    CHECK_FALSE(fs::exists(folder / "s"));
  });
}

TEST_CASE("Unix server: a folder that does not exist is an error that names the path [S-42]") {
  run_async([]() -> Task<void> {
    const ShortFolder folder;

    const int error = co_await start_errno(folder / "none/s");
    const std::string thrown = co_await thrown_by(start_at(folder / "none/s"));

    CHECK(error == ENOENT);
    CHECK(contains(thrown, folder / "none/s"));
  });
}

}  // namespace
}  // namespace brigade
