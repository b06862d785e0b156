#pragma once

#include <string>

/// How a program ended, and what it wrote to stdout and stderr together.
struct Ended {
  int exit_code;  // -1 if a signal killed it
  std::string output;
};

/// Runs a shell command in the runfiles folder to its end.
Ended run_program(const std::string& command);
