#pragma once

#include <exception>
#include <iosfwd>
#include <string>
#include <utility>

#include "brigade/runtime/context.h"

namespace brigade {

/// A spawned task whose result type is not known here: what TaskHandle<T> is made of.
///
/// Errors:       none but std::bad_alloc from name() and to_string().
/// Cancellation: cancel() asks; the task is done when it has unwound.
/// Complexity:   O(1); copying counts a reference.
/// Threads:      loop-affine.
/// Lifetime:     must not outlive the loop. Dropping a handle detaches the task, it goes on.
class TaskRef {
 public:
  explicit TaskRef(TaskContext& context) noexcept : context_(&context) {
    context_->add_reference();
  }
  TaskRef(const TaskRef& other) noexcept : TaskRef(*other.context_) {}
  TaskRef(TaskRef&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  TaskRef& operator=(TaskRef other) noexcept {
    std::swap(context_, other.context_);
    return *this;
  }
  ~TaskRef() {
    if (context_ != nullptr) context_->drop_reference();
  }

  std::string name() const { return context_->name(); }
  TaskStatus status() const noexcept { return context_->status(); }
  bool done() const noexcept { return context_->done(); }

  /// Asks the task to end. False if it had ended already. Never runs it, nor anybody else.
  bool cancel() const noexcept { return context_->cancel(); }

  /// What the task threw; null if it did not, or was cancelled, or has not ended.
  std::exception_ptr error() const noexcept {
    context_->mark_retrieved();
    return context_->error();
  }

  /// <Task 'tic_tac' [FINISHED] ('Boum!')>
  std::string to_string() const;

  TaskContext& context() const noexcept { return *context_; }
  bool operator==(const TaskRef& other) const noexcept = default;

 private:
  TaskContext* context_;
};

std::ostream& operator<<(std::ostream& out, const TaskRef& task);
const char* to_string(TaskStatus status) noexcept;

}  // namespace brigade
