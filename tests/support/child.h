#pragma once

#include <string>

namespace brigade {

/// How a child process ended.
struct ChildEnd {
  int signal = 0;  // that killed it, or 0
  int exit_code = 0;
  std::string errors;  // what it wrote to stderr

  ChildEnd() = default;
};

/// Runs `body` in a forked child, which exits with 0 behind it without any clean-up of this
/// process; a child that hangs is killed by SIGALRM.
ChildEnd run_in_child(void (*body)());

/// Checks that `body` is ended by a broken check whose message contains `why`.
void check_dies(void (*body)(), const std::string& why);

}  // namespace brigade
