// A limit that echo servers are measured against: io_uring by hand, and nothing else.
// Each connection has one operation in flight, a receive or a send, and its own buffer; a turn is
// one system call, which submits what the last turn prepared and waits.
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "brigade/bench/listen.h"

namespace {

constexpr std::size_t kBufferSize = 16384;

struct Client {
  explicit Client(int accepted) : fd(accepted) {}

  const int fd;
  int received = 0;  // 0: the operation in flight is a receive
  int sent = 0;
  char buffer[kBufferSize];
};

class Server {
 public:
  explicit Server(int listener) : listener_(listener) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = 4096;
    const int result = io_uring_queue_init_params(1024, &ring_, &params);
    if (result < 0) fail("io_uring_setup", -result);
    io_uring_register_ring_fd(&ring_);
    accept();
  }

  [[noreturn]] void run() {
    while (true) {
      const int result = io_uring_submit_and_wait(&ring_, 1);
      if (result < 0 && result != -EINTR) fail("io_uring_enter", -result);
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
      if (cqe.res < 0) fail("accept", -cqe.res);
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

int main(int argc, char** argv) { Server(listen_as_told(argc, argv)).run(); }
