#include "brigade/tests/sync/kitchen.h"

#include <memory>
#include <stdexcept>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"

namespace brigade {

using namespace std::chrono_literals;

Task<Batch> cook(Kitchen& kitchen, std::size_t size) {
  const std::shared_ptr<const bool> alive = kitchen.alive;
  ++kitchen.refills;
  kitchen.asked.push_back(size);
  try {
    co_await sleep(1s);
  } catch (const Cancelled&) {
    if (*alive) ++kitchen.cancelled;
    throw;
  }
  if (kitchen.failures > 0) {
    --kitchen.failures;
    throw std::runtime_error("out of oil");
  }
  if (!kitchen.sizes.empty()) {
    size = kitchen.sizes.front();
    kitchen.sizes.erase(kitchen.sizes.begin());
  }
  Batch batch;
  for (std::size_t i = 0; i < size; ++i) batch.push_back(kitchen.next_item++);
  ++kitchen.delivered;
  co_return batch;
}

Cache::Refill from(Kitchen& kitchen) {
  return [&kitchen](std::size_t size) { return cook(kitchen, size); };
}

Task<int> get(Cache& cache) { co_return co_await cache.get(); }

Task<std::string> outcome(Cache& cache) {
  try {
    const int item = co_await cache.get();
    co_return std::to_string(item);
  } catch (const Cancelled&) {
    co_return "Cancelled";
  } catch (...) {
    co_return repr(std::current_exception());
  }
}

std::vector<TaskHandle<std::string>> spawn_getters(Cache& cache, int count) {
  std::vector<TaskHandle<std::string>> getters;
  for (int i = 0; i < count; ++i) getters.push_back(spawn(outcome(cache)));
  return getters;
}

Task<std::string> joined(std::vector<TaskHandle<std::string>>& getters) {
  std::string all;
  for (const auto& getter : getters) all += co_await getter + " ";
  co_return all;
}

}  // namespace brigade
