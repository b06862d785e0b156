#pragma once

#include <cstdint>
#include <string>

#include "brigade/runtime/intrusive_list.h"

namespace brigade {

/// How a loop asks the kernel. kAuto takes io_uring, and epoll where io_uring is refused, which is
/// then said on stderr; the environment variable BRIGADE_BACKEND=io_uring|epoll decides for it.
enum class BackendKind : std::uint8_t { kAuto, kIoUring, kEpoll };

/// What a back end found that it can use.
struct Capabilities {
  BackendKind backend = BackendKind::kEpoll;
  bool single_issuer = false;  // IORING_SETUP_SINGLE_ISSUER, Linux 6.0
  bool defer_taskrun = false;  // IORING_SETUP_DEFER_TASKRUN, Linux 6.1
  bool registered_ring = false;
  bool multishot_receive = false;    // into a ring of buffers, Linux 6.0
  bool incremental_buffers = false;  // which take as many messages as fit, Linux 6.12
  unsigned submission_entries = 0;
  unsigned completion_entries = 0;

  /// "io_uring: single issuer, deferred task work, registered ring, multishot receive, incremental
  /// buffers, queues of 256 and 4096".
  std::string to_string() const;
};

/// What the kernel is asked to do. The seam between brigade and a back end is this description and
/// three verbs: submit, cancel, wait.
struct Request {
  enum class Kind : std::uint8_t {
    kPoll,     ///< `flags`: POLLIN, POLLOUT; result: the events that are there
    kAccept,   ///< until cancelled, a completion per connection; result: its descriptor
    kConnect,  ///< `data`, `size`: the sockaddr
    kReceive,  ///< `data`, `size`: where to; result: bytes, 0 at the end of stream
    kSend,     ///< `data`, `size`: what; result: bytes sent, perhaps fewer

    /// Until cancelled, a completion per piece, whose bytes are at received() during that call; 0
    /// at the end of stream. Ended by -ENOBUFS, it may be submitted again. For back ends that have
    /// it.
    kReceiveMultishot,
  };

  /// In `flags` of a kSend: nobody waits for it, so that it went may be told with what comes next.
  static constexpr unsigned kTellLater = 1;

  Kind kind = Kind::kPoll;
  int fd = -1;
  void* data = nullptr;
  std::size_t size = 0;
  unsigned flags = 0;
};

/// A request in the hands of the kernel. The object, and the memory its request names, must stay in
/// place from submit() until the final completion (`more` is false): only that ends it, a cancel
/// merely asks. After a cancel the completion still tells what happened: -ECANCELED, or a real
/// result that won the race. Without one it never is -ECANCELED.
class Operation : public ListNode<Operation> {
 public:
  /// `result` is the kernel's: a count, a descriptor, or a negative errno. Must not resume anybody.
  using Complete = void (*)(Operation&, int result, bool more) noexcept;

  explicit Operation(Complete complete) noexcept : complete_(complete) {}

  /// Owned by the kernel now: submitted, and its final completion not seen.
  bool in_flight() const noexcept { return linked(); }

  const char* received() const noexcept { return static_cast<const char*>(request_.data); }

 private:
  friend class Ring;
  friend class Epoll;
  friend class CustomBackend;
  enum class Cancel : std::uint8_t { kNo, kAsked, kSent };

  Complete complete_;
  Request request_;
  int result_ = 0;  // Epoll: of what is done and not yet told.
  Cancel cancel_ = Cancel::kNo;
  bool submitted_ = false;  // It waits in the kernel, and not merely in a list of ours.
};

}  // namespace brigade
