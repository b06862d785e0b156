#include "brigade/runtime/task_ref.h"

#include <ostream>

#include "brigade/runtime/repr.h"

namespace brigade {

const char* to_string(TaskStatus status) noexcept {
  switch (status) {
    case TaskStatus::kNew:
      return "NEW";
    case TaskStatus::kRunning:
      return "RUNNING";
    case TaskStatus::kFinished:
      return "FINISHED";
    case TaskStatus::kError:
      return "ERROR";
    case TaskStatus::kCancelled:
      return "CANCELLED";
  }
  return "?";
}

std::string TaskRef::to_string() const {
  std::string text = "<Task '" + name() + "' [" + brigade::to_string(status()) + "]";
  if (status() == TaskStatus::kFinished) text += " (" + context_->type_.describe(*context_) + ")";
  if (status() == TaskStatus::kError) text += " (" + repr(context_->error_) + ")";
  return text + ">";
}

std::ostream& operator<<(std::ostream& out, const TaskRef& task) { return out << task.to_string(); }

}  // namespace brigade
