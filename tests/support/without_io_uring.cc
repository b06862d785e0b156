// Runs a program on a machine that refuses io_uring:  without_io_uring PROGRAM ARGUMENTS...
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "brigade/tests/support/seccomp.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  brigade::forbid_io_uring(EPERM);
  ::execv(argv[1], argv + 1);
  std::perror(argv[1]);
  return 127;
}
