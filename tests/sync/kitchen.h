#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"

namespace brigade {

using Cache = BatchCache<int>;
using Batch = std::vector<int>;

/// A service that answers after a second, and what it was asked.
struct Kitchen {
  Kitchen() = default;
  ~Kitchen() { *alive = false; }
  Kitchen(const Kitchen&) = delete;
  Kitchen& operator=(const Kitchen&) = delete;

  int refills = 0;    // begun
  int delivered = 0;  // ended well
  int cancelled = 0;
  int next_item = 0;
  std::vector<std::size_t> sizes = {};  // of the batches it will answer; then as asked
  std::vector<std::size_t> asked = {};
  int failures = 0;  // It will answer with so many errors first.

  /// A refill in the background may unwind when the test is over.
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

Task<Batch> cook(Kitchen& kitchen, std::size_t size);
Cache::Refill from(Kitchen& kitchen);

Task<int> get(Cache& cache);

/// What a get() came to: the item, the error, or "Cancelled".
Task<std::string> outcome(Cache& cache);

std::vector<TaskHandle<std::string>> spawn_getters(Cache& cache, int count);

/// All outcomes, each followed by a space.
Task<std::string> joined(std::vector<TaskHandle<std::string>>& getters);

}  // namespace brigade
