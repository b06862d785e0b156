#include "tests/apps/echo_programs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <stdexcept>

#include "brigade/runtime/check.h"
#include "brigade/runtime/error.h"
#include "brigade/tests/net/sockets.h"

namespace brigade {

Background::Background(const std::string& command) {
  const std::string replaced_shell = "exec " + command;
  int ends[2] = {-1, -1};
  check(::pipe2(ends, O_CLOEXEC) == 0, "pipe2() failed");
  process_ = ::fork();
  check(process_ >= 0, "fork() failed");
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::execl("/bin/sh", "sh", "-c", replaced_shell.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ::fdopen(ends[0], "r");
}

Background::~Background() {
  std::fclose(output_);
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

std::string Background::line_with(std::string_view part) {
  std::string lines;
  std::string line;
  for (int c = std::fgetc(output_); c != EOF; c = std::fgetc(output_)) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    if (contains(line, part)) return line;
    lines += line + "\n";
    line.clear();
  }
  throw std::runtime_error("no line with '" + std::string(part) + "' in: " + lines + line);
}

void Background::signal(int number) const { ::kill(process_, number); }

Ended Background::wait() {
  std::string rest;
  for (int c = std::fgetc(output_); c != EOF; c = std::fgetc(output_)) rest += static_cast<char>(c);
  int status = 0;
  check(::waitpid(process_, &status, 0) == process_, "waitpid() failed");
  process_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, rest};
}

EchoServer::EchoServer(const std::string& options, const std::string& host)
    : Background("apps/echo_server --port 0 --host " + host + " " + options) {
  const std::string line = line_with("listening on ");
  const auto port = std::stoul(line.substr(line.rfind(':') + 1));
  address_ = SocketAddress::numeric(host, static_cast<std::uint16_t>(port)).value();
}

Socket EchoServer::connect() const { return connect_to(address_); }

void wait_until_refused(const SocketAddress& address) {
  while (refusal_of(address) != ECONNREFUSED) ::usleep(1000);
}

void send_fully(const Socket& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) throw_errno(-errno, "the test's send()");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receive_exactly(const Socket& fd, std::size_t size) {
  std::string all;
  std::array<char, 65536> part;
  while (all.size() < size) {
    const std::size_t wanted = std::min(part.size(), size - all.size());
    const ssize_t count = ::recv(fd.get(), part.data(), wanted, 0);
    if (count < 0) throw_errno(-errno, "the test's recv()");
    if (count == 0) break;
    all.append(part.data(), static_cast<std::size_t>(count));
  }
  return all;
}

std::string receive_rest(const Socket& fd) {
  return receive_exactly(fd, std::numeric_limits<std::size_t>::max());
}

}  // namespace brigade
