// Counts words on four threads. Each thread reads a text of its own; each word belongs to one of
// the threads, which alone has its count and is told of every finding. No lock is needed.
#include "brigade/runtime/run_sharded.h"

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "brigade/runtime/run_in_loop.h"

using Counts = std::map<std::string, int>;

constexpr std::array<const char*, 4> kTexts = {
    "soup pie soup",
    "pie tea soup",
    "tea tea",
    "soup pie",
};

// Runs on the thread that has `counts`.
brigade::Task<void> add(Counts& counts, std::string word) {
  ++counts[word];
  co_return;
}

brigade::Task<void> count(brigade::Shard shard, std::array<Counts, 4>& counts) {
  std::istringstream text(kTexts[shard.index]);
  for (std::string word; text >> word;) {
    const std::size_t owner = std::hash<std::string>()(word) % shard.loops.size();
    if (owner == shard.index)
      co_await add(counts[owner], word);
    else
      co_await brigade::run_in_loop(*shard.loops[owner], &add, std::ref(counts[owner]), word);
  }
}

int main() {
  std::array<Counts, 4> counts;
  brigade::run_sharded(counts.size(), [&](brigade::Shard shard) { return count(shard, counts); });

  Counts all;  // The threads have ended.
  for (Counts& some : counts) all.merge(some);
  for (const auto& [word, times] : all) std::printf("%s: %d\n", word.c_str(), times);
}
