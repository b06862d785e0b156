// Ids are drawn from a database in blocks of three per table, and the next block is fetched while
// the last one still lasts: only the first id of each table is waited for. On the virtual clock.
#include "brigade/sync/keyed_batch_cache.h"

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

using namespace std::chrono_literals;
using Ids = brigade::KeyedBatchCache<std::string, int>;

brigade::Task<std::vector<int>> draw(const std::string& table, std::size_t count) {
  static std::map<std::string, int> last;
  co_await brigade::sleep(100ms);  // The database.
  std::vector<int> ids(count);
  for (int& id : ids) id = ++last[table];
  co_return ids;
}

brigade::Task<void> insert_rows() {
  brigade::BatchCacheOptions options(3);
  options.name = "ids";
  options.low_water = 2;
  Ids ids(100, std::move(options), draw);
  for (const char* table : {"order", "item", "item", "item", "item", "item", "order"}) {
    const auto start = brigade::Loop::current().now();
    const int id = co_await ids.get(table);
    const auto waited = brigade::Loop::current().now() - start;
    std::printf("%s %d after %lld ms\n", table, id, static_cast<long long>(waited / 1ms));
    co_await brigade::sleep(60ms);
  }
  std::printf("%s\n", ids.to_string().c_str());
}

int main() { brigade::run(insert_rows(), {.clock = brigade::ClockKind::kVirtual}); }
