#include "tests/examples/program.h"

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>

Ended run_program(const std::string& command) {
  std::FILE* const pipe = popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen failed: " + command);
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}
