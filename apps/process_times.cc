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
  std::error_code gone;
  for (const auto& thread : fs::directory_iterator(process / "task", gone)) {
    std::int64_t spent = 0;
    if (std::ifstream(thread.path() / "schedstat") >> spent) sum += Nanoseconds(spent);
  }
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
  const Nanoseconds cpu = cpu_time(folder);
  if (cpu == Nanoseconds::zero())
    throw std::runtime_error("no CPU time is known of process " + std::to_string(process));
  return {cpu, user_time(folder)};
}

}  // namespace brigade::apps
