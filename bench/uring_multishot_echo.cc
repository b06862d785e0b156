// A limit that echo servers are measured against: io_uring by hand, with multishot receives into a
// ring of provided buffers, and nothing else.
// What a client sends is sent back from the buffer the kernel put it in, one send at a time; then
// the kernel gets the buffer back. A turn is one system call.
#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "brigade/bench/listen.h"

namespace {

constexpr unsigned kBuffers = 1024;
constexpr std::size_t kBufferSize = 16384;
constexpr int kGroup = 0;
constexpr int kNone = -1;

struct Client {
  explicit Client(int accepted) : fd(accepted) {}

  const int fd;
  bool receiving = false;  // The multishot receive is armed.
  bool ended = false;      // Nothing more will come, or can be sent.
  int first = kNone;       // The buffers to send back, in order; the first is being sent.
  int last = kNone;
};

struct Buffer {
  unsigned begin;  // of what is not sent yet
  unsigned end;
  int next;  // of the same client
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
    provide_buffers();
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
      if (free_ == 0) continue;
      for (Client* const client : std::exchange(starved_, {})) receive(*client);
    }
  }

 private:
  static void* pages(std::size_t size) {
    void* const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap", errno);
    return memory;
  }

  void provide_buffers() {
    provided_ = static_cast<io_uring_buf_ring*>(pages(kBuffers * sizeof(io_uring_buf)));
    memory_ = static_cast<char*>(pages(kBuffers * kBufferSize));
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(provided_);
    registration.ring_entries = kBuffers;
    registration.bgid = kGroup;
    const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
    if (result < 0) fail("io_uring_register_buf_ring", -result);
    io_uring_buf_ring_init(provided_);
    for (int id = 0; id < static_cast<int>(kBuffers); ++id) provide(id);
  }

  char* memory(int id) const { return memory_ + static_cast<std::size_t>(id) * kBufferSize; }
  Buffer& buffer(int id) { return buffers_[static_cast<std::size_t>(id)]; }

  void provide(int id) {
    const int mask = io_uring_buf_ring_mask(kBuffers);
    io_uring_buf_ring_add(provided_, memory(id), kBufferSize, static_cast<unsigned short>(id), mask,
                          0);
    io_uring_buf_ring_advance(provided_, 1);
    ++free_;
  }

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
    io_uring_prep_recv_multishot(sqe, client.fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = kGroup;
    io_uring_sqe_set_data(sqe, &client);
    client.receiving = true;
  }

  void send(Client& client) {
    const Buffer& first = buffer(client.first);
    io_uring_sqe* const sqe = next_sqe();
    io_uring_prep_send(sqe, client.fd, memory(client.first) + first.begin, first.end - first.begin,
                       MSG_NOSIGNAL);
    sqe->user_data = reinterpret_cast<std::uintptr_t>(&client) | kSend;
  }

  void complete(const io_uring_cqe& cqe) {
    auto* const client = reinterpret_cast<Client*>(cqe.user_data & ~kSend);
    if (client == nullptr)
      accepted(cqe);
    else if ((cqe.user_data & kSend) != 0)
      sent(*client, cqe.res);
    else
      received(*client, cqe);
  }

  void accepted(const io_uring_cqe& cqe) {
    if (cqe.res < 0) fail("accept", -cqe.res);
    receive(*new Client(cqe.res));
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) accept();
  }

  void received(Client& client, const io_uring_cqe& cqe) {
    client.receiving = (cqe.flags & IORING_CQE_F_MORE) != 0;
    if (cqe.res > 0)
      queue(client, static_cast<int>(cqe.flags >> IORING_CQE_BUFFER_SHIFT), cqe.res);
    else if (cqe.res != -ENOBUFS)
      client.ended = true;
    if (!client.receiving && !client.ended) starved_.push_back(&client);
    drop_if_over(client);
  }

  void queue(Client& client, int id, int size) {
    --free_;
    buffer(id) = {0, static_cast<unsigned>(size), kNone};
    if (client.first != kNone) {
      buffer(client.last).next = id;
      client.last = id;
    } else {
      client.first = client.last = id;
      send(client);
    }
  }

  void sent(Client& client, int result) {
    Buffer& first = buffer(client.first);
    if (result > 0 && (first.begin += static_cast<unsigned>(result)) < first.end)
      return send(client);
    const int id = std::exchange(client.first, first.next);
    provide(id);
    if (result <= 0) give_up(client);
    if (client.first != kNone) return send(client);
    drop_if_over(client);
  }

  // The receive ends too, by what shutdown() makes of it.
  void give_up(Client& client) {
    while (client.first != kNone) provide(std::exchange(client.first, buffer(client.first).next));
    shutdown(client.fd, SHUT_RDWR);
  }

  void drop_if_over(Client& client) {
    if (!client.ended || client.receiving || client.first != kNone) return;
    close(client.fd);
    delete &client;
  }

  static constexpr std::uint64_t kSend = 1;  // In user_data, beside the address of the client.

  const int listener_;
  io_uring ring_;
  io_uring_buf_ring* provided_ = nullptr;
  char* memory_ = nullptr;
  std::array<Buffer, kBuffers> buffers_;
  unsigned free_ = 0;             // Buffers that the kernel has.
  std::vector<Client*> starved_;  // Their receive ended for want of a buffer.
};

}  // namespace

int main(int argc, char** argv) { Server(listen_as_told(argc, argv)).run(); }
