#include "brigade/apps/process_times.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

namespace brigade::apps {
namespace {

namespace fs = std::filesystem;

Nanoseconds cpu_time(const fs::path& process) {
  Nanoseconds sum{};
  bool told = false;  // Zero is told of a process that has just begun.
  std::error_code gone;
  for (const auto& thread : fs::directory_iterator(process / "task", gone)) {
    std::int64_t spent = 0;
    if (!(std::ifstream(thread.path() / "schedstat") >> spent)) continue;
    sum += Nanoseconds(spent);
    told = true;
  }
  if (!told)
    throw std::runtime_error("no CPU time is known of process " + process.filename().string());
  return sum;
}

// utime is the 14th field, and the 12th behind the name, which may hold anything: proc(5).
Nanoseconds user_time(const fs::path& process) {
  std::ifstream file(process / "stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::int64_t ticks = 0;
  fields >> ticks;
  return Nanoseconds(std::chrono::seconds(ticks)) / ::sysconf(_SC_CLK_TCK);
}

}  // namespace

ProcessTimes process_times(pid_t process) {
  const fs::path folder = "/proc/" + std::to_string(process);
  return {cpu_time(folder), user_time(folder)};
}

}  // namespace brigade::apps
