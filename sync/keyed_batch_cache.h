#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include "brigade/runtime/repr.h"
#include "brigade/sync/batch_cache.h"

namespace brigade {

/// A BatchCache per key, made when the key is first asked for: ids per table, tokens per tenant.
/// Each key refills by itself, as its BatchCache says; the options hold for every key, and their
/// name with the key, prices['EUR'], is the name of its BatchCache.
///
/// At most `max_keys` are kept: a get() of another one evicts the key that was least recently asked
/// for, with what it has at hand, but never one in use: that somebody gets from, or that refills.
/// While more than max_keys are in use, so many are kept, until a get() of a new key finds some
/// of them idle.
///
/// Errors:       as BatchCache, per key: a refill may get another key, not its own. get() throws
///               what copying or hashing the key throws, and std::bad_alloc, and has no effect
///               then. The constructor throws std::invalid_argument for 0 keys.
/// Cancellation: as BatchCache.
/// Complexity:   O(1) on average; a get() of a new key O(keys in use) to evict one; statistics()
///               and invalidate() of all O(keys). get() of a key that has an item allocates
///               nothing.
/// Threads:      loop-affine.
/// Lifetime:     as BatchCache. The key that a refill gets lives as long as that refill.
/// Example:      examples/keyed_batch_cache.cc
template <class Key, class T, class Hash = std::hash<Key>>
class KeyedBatchCache {
 public:
  /// Fetches a batch for `key`; gets the number of items wanted.
  using Refill = std::function<Task<std::vector<T>>(const Key& key, std::size_t batch_size)>;
  using Get = typename BatchCache<T>::PinnedGet;

  KeyedBatchCache(std::size_t max_keys, BatchCacheOptions options, Refill refill)
      : max_keys_(max_keys),
        options_(std::move(options)),
        refill_(std::make_shared<Refill>(std::move(refill))) {
    if (max_keys == 0)
      throw std::invalid_argument("KeyedBatchCache of 0 keys: at least 1 is needed");
    options_.validate();
  }
  KeyedBatchCache(const KeyedBatchCache&) = delete;
  KeyedBatchCache& operator=(const KeyedBatchCache&) = delete;

  /// `T item = co_await cache.get(key);`
  [[nodiscard]] Get get(const Key& key) {
    auto found = entries_.find(key);
    if (found == entries_.end()) {
      found = add(key);
    } else {
      found->second.unlink();
      by_use_.push_back(found->second);
    }
    return Get(found->second.cache.state_);
  }

  /// As BatchCache::invalidate(), for one key or for all.
  void invalidate(const Key& key) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) found->second.cache.invalidate();
  }
  void invalidate() noexcept {
    for (auto& [key, entry] : entries_) entry.cache.invalidate();
  }

  /// Items at hand now for `key`.
  std::size_t available(const Key& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? 0 : found->second.cache.available();
  }
  std::size_t keys() const noexcept { return entries_.size(); }
  std::size_t max_keys() const noexcept { return max_keys_; }

  /// Of all keys, with those that were evicted.
  BatchCacheStatistics statistics() const noexcept {
    BatchCacheStatistics sum = evicted_;
    for (const auto& [key, entry] : entries_) sum += entry.cache.statistics();
    return sum;
  }

  /// <KeyedBatchCache "prices" 3 of 100 keys>
  std::string to_string() const {
    const std::string name = options_.name.empty() ? "" : "\"" + options_.name + "\" ";
    return "<KeyedBatchCache " + name + std::to_string(keys()) + " of " +
           std::to_string(max_keys_) + " keys>";
  }
  friend std::ostream& operator<<(std::ostream& out, const KeyedBatchCache& cache) {
    return out << cache.to_string();
  }

 private:
  struct Entry : ListNode<Entry> {
    Entry(BatchCacheOptions options, typename BatchCache<T>::Refill refill)
        : cache(std::move(options), std::move(refill)) {}
    BatchCache<T> cache;
    const Key* key = nullptr;  // The map's.
  };
  using Entries = std::unordered_map<Key, Entry, Hash>;

  typename Entries::iterator add(const Key& key);
  void evict();

  const std::size_t max_keys_;
  const BatchCacheOptions options_;
  const std::shared_ptr<const Refill> refill_;
  BatchCacheStatistics evicted_;
  IntrusiveList<Entry> by_use_;  // All entries, the least recently used first.
  Entries entries_;
};

template <class Key, class T, class Hash>
typename KeyedBatchCache<Key, T, Hash>::Entries::iterator KeyedBatchCache<Key, T, Hash>::add(
    const Key& key) {
  BatchCacheOptions options = options_;
  options.name += "[" + repr(key) + "]";
  auto refill = [function = refill_, key](std::size_t size) { return (*function)(key, size); };
  const auto added = entries_.try_emplace(key, std::move(options), std::move(refill)).first;
  added->second.key = &added->first;
  evict();
  by_use_.push_back(added->second);
  return added;
}

template <class Key, class T, class Hash>
void KeyedBatchCache<Key, T, Hash>::evict() {
  for (std::size_t old = entries_.size() - 1; old > 0 && entries_.size() > max_keys_; --old) {
    Entry& entry = by_use_.pop_front();
    if (entry.cache.in_use()) {
      by_use_.push_back(entry);
      continue;
    }
    evicted_.discarded += entry.cache.available();
    evicted_ += entry.cache.statistics();
    entries_.erase(entries_.find(*entry.key));
  }
}

}  // namespace brigade
