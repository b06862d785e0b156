#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "brigade/runtime/platform.h"

namespace brigade {

/// The values of task-local variables as one task sees them. A copy is a reference to the same
/// values until one of the two is changed: what spawn() does costs a count. The part of TaskLocal
/// that does not depend on the type.
class TaskLocals {
 public:
  TaskLocals() noexcept = default;
  TaskLocals(const TaskLocals& other) noexcept : values_(other.values_) {
    if (values_ != nullptr) ++values_->references;
  }
  TaskLocals& operator=(TaskLocals other) noexcept {
    std::swap(values_, other.values_);
    return *this;
  }
  ~TaskLocals() {
    if (values_ != nullptr && --values_->references == 0) free_values();
  }

  /// Null if it was never set.
  const void* find(const void* key) const noexcept;
  void set(const void* key, std::shared_ptr<const void> value);

 private:
  struct Values {
    unsigned references = 1;
    std::vector<std::pair<const void*, std::shared_ptr<const void>>> entries;
  };

  void free_values() noexcept;  // A call, so that who has none of it stays short.

  Values* values_ = nullptr;
};

}  // namespace brigade
