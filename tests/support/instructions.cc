#include "brigade/tests/support/instructions.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "brigade/runtime/check.h"

namespace brigade {
namespace {

constexpr int kMark = SIGUSR1;

[[noreturn]] void be_child(void (*body)(int), int others) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGABRT, SIG_DFL);  // doctest's handler would report the test as crashed.
  check(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0, "ptrace() is refused");
  body(others);
  check(false, "the body has not called mark() twice");
  ::_exit(1);
}

}  // namespace

void mark() { ::raise(kMark); }

std::size_t count_instructions(void (*body)(int), int others) {
  const pid_t child = ::fork();
  check(child >= 0, "fork() failed");
  if (child == 0) be_child(body, others);
  std::size_t count = 0;
  int marks = 0;
  while (marks < 2) {
    int status = 0;
    check(::waitpid(child, &status, 0) == child && WIFSTOPPED(status), "the child has ended");
    const int signal = WSTOPSIG(status);
    if (signal == kMark) ++marks;
    if (marks == 1 && signal == SIGTRAP) ++count;
    const bool ours = signal == kMark || signal == SIGTRAP;
    ::ptrace(marks == 1 ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, ours ? 0L : signal);
  }
  ::kill(child, SIGKILL);  // What it would clean up is of no interest.
  ::waitpid(child, nullptr, 0);
  return count;
}

}  // namespace brigade
