// What epoll can do: epoll by hand, and nothing else.
// Level-triggered: a client that has sent something is read once per turn and answered at once.
// What its socket does not take waits in its buffer, and until it has gone out the client is not
// read.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "brigade/bench/listen.h"

namespace {

constexpr std::size_t kBufferSize = 16384;

struct Client {
  explicit Client(int accepted) : fd(accepted) {}

  const int fd;
  std::size_t received = 0;
  std::size_t sent = 0;  // Less than received: the rest waits for room.
  char buffer[kBufferSize];
};

class Server {
 public:
  explicit Server(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    fcntl(listener_, F_SETFL, O_NONBLOCK);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
      for (int i = 0; i < count; ++i) {
        auto* const client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (client == nullptr)
          accept();
        else if (client->sent < client->received)
          send_rest(*client);
        else
          receive(*client);
      }
    }
  }

 private:
  void watch(int change, int fd, unsigned what, Client* client) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = client;
    if (epoll_ctl(epoll_, change, fd, &event) != 0) fail("epoll_ctl", errno);
  }

  void accept() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && errno != EAGAIN) fail("accept", errno);
    if (fd >= 0) watch(EPOLL_CTL_ADD, fd, EPOLLIN, new Client(fd));
  }

  void receive(Client& client) {
    const ssize_t count = recv(client.fd, client.buffer, sizeof client.buffer, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return drop(client);
    client.received = static_cast<std::size_t>(count);
    client.sent = 0;
    if (send(client) && client.sent < client.received)
      watch(EPOLL_CTL_MOD, client.fd, EPOLLOUT, &client);
  }

  void send_rest(Client& client) {
    if (send(client) && client.sent == client.received)
      watch(EPOLL_CTL_MOD, client.fd, EPOLLIN, &client);
  }

  // False if the client is gone.
  bool send(Client& client) {
    const std::size_t left = client.received - client.sent;
    const ssize_t count = ::send(client.fd, client.buffer + client.sent, left, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) {
      drop(client);
      return false;
    }
    if (count > 0) client.sent += static_cast<std::size_t>(count);
    return true;
  }

  void drop(Client& client) {
    close(client.fd);
    delete &client;
  }

  const int listener_;
  const int epoll_;
};

}  // namespace

int main(int argc, char** argv) { Server(listen_as_told(argc, argv)).run(); }
