// Loads an echo server and says what it cost the server:
//   echo_load PORT CONNECTIONS SECONDS SERVER_PID
// Each connection sends 64 bytes, waits for them to come back, compares every one, and goes on with
// other ones. Prints "REQUESTS requests, NS ns of server CPU each"; the first fifth of the time
// warms up and does not count.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kSize = 64;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "echo_load: %s\n", what.c_str());
  std::exit(1);
}
[[noreturn]] void fail_errno(const std::string& what) { fail(what + ": " + std::strerror(errno)); }

// One request at a time, of bytes that depend on all that was sent before.
class Client {
 public:
  Client(std::uint16_t port, std::uint64_t seed)
      : state_(seed), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      fail_errno("connect");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  int fd() const { return fd_; }

  void ask() {
    for (std::size_t i = 0; i < kSize; i += sizeof state_) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      std::memcpy(&request_[i], &state_, sizeof state_);
    }
    answered_ = 0;
    if (send(fd_, request_.data(), kSize, MSG_NOSIGNAL) != kSize) fail_errno("send");
  }

  // Reads what is there. True when the whole answer is.
  bool answered() {
    std::array<char, kSize + 1> answer;  // One more, to see a byte that was never sent.
    const ssize_t n = recv(fd_, answer.data(), answer.size() - answered_, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) fail_errno("recv");
    if (n == 0) fail("the server closed a connection");
    const auto size = static_cast<std::size_t>(n);
    if (answered_ + size > kSize) fail("more bytes came back than were sent");
    if (std::memcmp(answer.data(), &request_[answered_], size) != 0) fail("other bytes came back");
    answered_ += size;
    return answered_ == kSize;
  }

 private:
  std::uint64_t state_;
  int fd_;
  std::size_t answered_ = 0;
  std::array<char, kSize> request_;
};

// Time that all threads of a process have had on a CPU.
std::uint64_t cpu_nanoseconds(const std::string& pid) {
  std::uint64_t sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + pid + "/task")) {
    std::uint64_t spent = 0;
    if (std::ifstream(thread.path() / "schedstat") >> spent) sum += spent;
  }
  if (sum == 0) fail("no CPU time is known of process " + pid);
  return sum;
}

class Load {
 public:
  Load(std::uint16_t port, std::size_t connections) : epoll_(epoll_create1(0)) {
    clients_.reserve(connections);
    for (std::size_t i = 0; i < connections; ++i) {
      Client& client = clients_.emplace_back(port, i);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &client;
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd(), &event) != 0) fail_errno("epoll_ctl");
    }
    for (Client& client : clients_) client.ask();
  }

  // The requests answered until `end`; each is followed by the next one.
  std::uint64_t run_until(Clock::time_point end) {
    std::uint64_t requests = 0;
    std::array<epoll_event, 256> events;
    while (Clock::now() < end) {
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 5000);
      if (n == 0) fail("the server has not answered for 5 s");
      for (int i = 0; i < n; ++i) {
        auto& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (!client.answered()) continue;
        client.ask();
        ++requests;
      }
    }
    return requests;
  }

 private:
  const int epoll_;
  std::vector<Client> clients_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 4) {
    std::fprintf(stderr, "usage: echo_load PORT CONNECTIONS SECONDS SERVER_PID\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::stoul(words[0]));
  const auto time = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(std::stod(words[2])));

  Load load(port, std::stoul(words[1]));
  const auto start = Clock::now();
  load.run_until(start + time / 5);
  const std::uint64_t before = cpu_nanoseconds(words[3]);
  const std::uint64_t requests = load.run_until(start + time);
  const std::uint64_t spent = cpu_nanoseconds(words[3]) - before;
  if (requests == 0) fail("no request was answered");
  std::printf("%lu requests, %lu ns of server CPU each\n", requests, spent / requests);
}
