#include "brigade/bench/listen.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

void fail(const char* what, int positive_errno) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(positive_errno));
  std::exit(1);
}

namespace {

constexpr int kBacklog = 4096;

int listen_on_tcp() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Accepted sockets inherit it.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd, name, size) != 0 || listen(fd, kBacklog) != 0) fail("listen", errno);
  getsockname(fd, name, &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  return fd;
}

int listen_on_unix(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail("listen", ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, name, sizeof address) != 0 || listen(fd, kBacklog) != 0) fail("listen", errno);
  std::printf("listening on %s\n", address.sun_path);
  return fd;
}

}  // namespace

int listen_as_told(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s 0 | PATH\n", argv[0]);
    std::exit(2);
  }
  const std::string_view at = argv[1];
  const int fd = at == "0" ? listen_on_tcp() : listen_on_unix(at);
  std::fflush(stdout);
  return fd;
}
