#include "brigade/runtime/task_locals.h"

namespace brigade {

const void* TaskLocals::find(const void* key) const noexcept {
  if (values_ == nullptr) return nullptr;
  for (const auto& [entry_key, value] : values_->entries)
    if (entry_key == key) return value.get();
  return nullptr;
}

void TaskLocals::set(const void* key, std::shared_ptr<const void> value) {
  TaskLocals own;
  own.values_ = values_ == nullptr ? new Values() : new Values{1, values_->entries};
  auto& entries = own.values_->entries;
  for (auto& [entry_key, entry_value] : entries) {
    if (entry_key != key) continue;
    entry_value = std::move(value);
    return std::swap(values_, own.values_);
  }
  entries.emplace_back(key, std::move(value));
  std::swap(values_, own.values_);
}

void TaskLocals::free_values() noexcept { delete values_; }

}  // namespace brigade
