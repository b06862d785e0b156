#include "brigade/runtime/operation.h"

namespace brigade {

std::string Capabilities::to_string() const {
  if (backend == BackendKind::kEpoll) return "epoll";
  return std::string("io_uring: ") + (single_issuer ? "single issuer, " : "") +
         (defer_taskrun ? "deferred task work, " : "") +
         (registered_ring ? "registered ring, " : "") +
         (multishot_receive ? "multishot receive, " : "") +
         (incremental_buffers ? "incremental buffers, " : "") + "queues of " +
         std::to_string(submission_entries) + " and " + std::to_string(completion_entries);
}

}  // namespace brigade
