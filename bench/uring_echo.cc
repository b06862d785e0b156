// The limit that echo servers are measured against: io_uring by hand, and nothing else.
//   uring_echo PORT        (0: any free one; prints "listening on 127.0.0.1:PORT")
// Each connection has one operation in flight, a receive or a send, and its own buffer; a turn is
// one system call, which submits what the last turn prepared and waits.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

struct Client {
  explicit Client(int accepted) : fd(accepted) {}

  const int fd;
  int received = 0;  // 0: the operation in flight is a receive
  int sent = 0;
  char buffer[4096];
};

[[noreturn]] void fail(const char* what, int negative_errno) {
  std::fprintf(stderr, "uring_echo: %s: %s\n", what, std::strerror(-negative_errno));
  std::exit(1);
}

int listen_at(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Accepted sockets inherit it.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd, name, size) != 0 || listen(fd, 4096) != 0) fail("listen", -errno);
  getsockname(fd, name, &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

class Server {
 public:
  explicit Server(int listener) : listener_(listener) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = 4096;
    const int result = io_uring_queue_init_params(1024, &ring_, &params);
    if (result < 0) fail("io_uring_setup", result);
    io_uring_register_ring_fd(&ring_);
    accept();
  }

  [[noreturn]] void run() {
    while (true) {
      const int result = io_uring_submit_and_wait(&ring_, 1);
      if (result < 0 && result != -EINTR) fail("io_uring_enter", result);
      unsigned head;
      unsigned count = 0;
      io_uring_cqe* cqe;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        complete(*cqe);
        ++count;
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  io_uring_sqe* next_sqe() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  void accept() {
    io_uring_sqe* const sqe = next_sqe();
    io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, nullptr);
  }

  void receive(Client& client) {
    io_uring_sqe* const sqe = next_sqe();
    io_uring_prep_recv(sqe, client.fd, client.buffer, sizeof client.buffer, 0);
    io_uring_sqe_set_data(sqe, &client);
  }

  void send(Client& client) {
    io_uring_sqe* const sqe = next_sqe();
    const auto left = static_cast<std::size_t>(client.received - client.sent);
    io_uring_prep_send(sqe, client.fd, client.buffer + client.sent, left, MSG_NOSIGNAL);
    io_uring_sqe_set_data(sqe, &client);
  }

  void complete(const io_uring_cqe& cqe) {
    auto* const client = static_cast<Client*>(io_uring_cqe_get_data(&cqe));
    if (client == nullptr) {
      if (cqe.res < 0) fail("accept", cqe.res);
      receive(*new Client(cqe.res));
      if ((cqe.flags & IORING_CQE_F_MORE) == 0) accept();
    } else if (cqe.res <= 0) {
      close(client->fd);
      delete client;
    } else if (client->received == 0) {
      client->received = cqe.res;
      send(*client);
    } else if ((client->sent += cqe.res) < client->received) {
      send(*client);
    } else {
      client->received = client->sent = 0;
      receive(*client);
    }
  }

  const int listener_;
  io_uring ring_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view word = argc == 2 ? argv[1] : "";
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) {
    std::fprintf(stderr, "usage: uring_echo PORT\n");
    return 2;
  }
  Server(listen_at(port)).run();
}
