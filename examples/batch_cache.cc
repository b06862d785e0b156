// Fries come out of the vat five at a time: six customers, two batches. On the virtual clock.
#include "brigade/sync/batch_cache.h"

#include <cstdio>
#include <string>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;
using Fries = brigade::BatchCache<int>;

void say(const std::string& what) {
  const auto now = brigade::Loop::current().now().time_since_epoch();
  std::printf("%lld s: %s\n", static_cast<long long>(now / 1s), what.c_str());
}

brigade::Task<std::vector<int>> fry(std::size_t portions) {
  static int fried = 0;
  say("frying " + std::to_string(portions) + " portions");
  co_await brigade::sleep(4s);
  std::vector<int> batch(portions);
  for (int& portion : batch) portion = ++fried;
  co_return batch;
}

brigade::Task<void> customer(int number, Fries& fries) {
  const int portion = co_await fries.get();
  say("customer " + std::to_string(number) + " gets portion " + std::to_string(portion));
}

brigade::Task<void> serve() {
  Fries fries(5, fry);
  std::vector<brigade::Task<void>> customers;
  for (int number = 1; number <= 6; ++number) customers.push_back(customer(number, fries));
  co_await brigade::gather(std::move(customers));
}

int main() { brigade::run(serve(), {.clock = brigade::ClockKind::kVirtual}); }
