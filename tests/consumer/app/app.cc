#include <chrono>
#include <cstdio>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

brigade::Task<int> answer() {
  co_await brigade::sleep(std::chrono::milliseconds(5));
  co_return 42;
}

int main() { std::printf("the answer is %d\n", brigade::run(answer())); }
