// Any descriptor can be awaited: here the two ends of a pipe, in two tasks of one thread.
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

brigade::Task<void> produce(int fd) {
  for (const std::string_view word : {"one", "two", "three"}) {
    co_await brigade::sleep(std::chrono::milliseconds(50));
    co_await brigade::wait_writable(fd);
    if (write(fd, word.data(), word.size()) < 0) std::perror("write");
  }
  close(fd);
}

brigade::Task<void> consume(int fd) {
  char buffer[64];
  while (true) {
    co_await brigade::wait_readable(fd);  // The other task runs meanwhile.
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    std::printf("read '%.*s'\n", static_cast<int>(n), buffer);
  }
  std::puts("end of the pipe");
  close(fd);
}

int main() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  brigade::run(brigade::gather(consume(ends[0]), produce(ends[1])));
}
