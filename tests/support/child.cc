#include "brigade/tests/support/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "brigade/runtime/check.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr unsigned kChildLimitSeconds = 30;

[[noreturn]] void be_child(void (*body)(), int errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  constexpr rlimit kNoCore{0, 0};
  ::setrlimit(RLIMIT_CORE, &kNoCore);
  // doctest's handlers would report the test as crashed.
  for (const int number : {SIGABRT, SIGALRM, SIGINT, SIGTERM}) ::signal(number, SIG_DFL);
  ::alarm(kChildLimitSeconds);
  ::dup2(errors, STDERR_FILENO);
  try {
    body();
  } catch (...) {
    std::fprintf(stderr, "an exception left the child's body\n");
    ::_exit(99);
  }
  ::_exit(0);
}

std::string read_all(int fd) {
  std::string text;
  char part[4096];
  for (ssize_t n = 0; (n = ::read(fd, part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(n));
  return text;
}

}  // namespace

ChildEnd run_in_child(void (*body)()) {
  int errors[2] = {-1, -1};
  check(::pipe(errors) == 0, "pipe() failed");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  check(child >= 0, "fork() failed");
  if (child == 0) be_child(body, errors[1]);
  ::close(errors[1]);
  ChildEnd end;
  end.errors = read_all(errors[0]);
  ::close(errors[0]);
  int status = 0;
  check(::waitpid(child, &status, 0) == child, "waitpid() failed");
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  return end;
}

void check_dies(void (*body)(), const std::string& why) {
  const ChildEnd end = run_in_child(body);
  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(end.errors.find("brigade: " + why) != std::string::npos);
}

}  // namespace brigade
