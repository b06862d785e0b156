#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

brigade::Task<void> cook(const char* dish, int seconds) {
  std::printf("%s: %d s\n", dish, seconds);
  co_await brigade::sleep(std::chrono::seconds(seconds));
  std::printf("%s is ready\n", dish);
}

int main() { brigade::run(brigade::gather(cook("fries", 2), cook("soda", 1))); }
