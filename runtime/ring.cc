#include "brigade/runtime/ring.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/error.h"

namespace brigade {
namespace {

constexpr unsigned kMinCompletions = 4096;
constexpr Nanoseconds kRetryInterval = std::chrono::milliseconds(1);
constexpr Nanoseconds kFirstMemoryWait = std::chrono::milliseconds(4);
constexpr Nanoseconds kLastMemoryWait = std::chrono::milliseconds(256);

// Best first; a kernel that does not know a flag answers EINVAL. One that knows COOP_TASKRUN (5.19)
// has everything else that is used here, such as accepting many clients by one operation.
constexpr std::array<unsigned, 3> kSetups = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN};

int setup(io_uring& ring, unsigned entries, unsigned completions) noexcept {
  int result = -EINVAL;
  for (const unsigned flags : kSetups) {
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_CQSIZE;
    params.cq_entries = completions;
    result = io_uring_queue_init_params(entries, &ring, &params);
    if (result != -EINVAL) break;
  }
  return result;
}

// Rings count against RLIMIT_MEMLOCK: a smaller one works too, only with more system calls.
int setup_shrinking(io_uring& ring, unsigned entries) noexcept {
  unsigned completions = std::max(kMinCompletions, entries * 2);
  int result = setup(ring, entries, completions);
  while (result == -ENOMEM && completions > entries * 2) {
    completions = std::max(completions / 4, entries * 2);
    result = setup(ring, entries, completions);
  }
  return result;
}

// Those closed a moment ago count too: the kernel gives their memory back in the background, tens
// of milliseconds later on a busy machine. A failed attempt holds some for as long: so few of them.
int setup_when_released(io_uring& ring, unsigned entries) noexcept {
  int result = setup_shrinking(ring, entries);
  for (Nanoseconds pause = kFirstMemoryWait; result == -ENOMEM && pause <= kLastMemoryWait;
       pause *= 2) {
    std::this_thread::sleep_for(pause);
    result = setup_shrinking(ring, entries);
  }
  return result;
}

[[noreturn]] void refuse(int error) {
  switch (error) {
    case -ENOSYS:
    case -EINVAL:
      throw_errno(error,
                  "io_uring is missing or too old (5.19 is needed): "
                  "use a kernel of 6.1 or newer");
    case -EPERM:
    case -EACCES:
      throw_errno(error,
                  "io_uring is refused (a seccomp filter, as in Docker's default profile, or "
                  "the sysctl kernel.io_uring_disabled): allow io_uring_setup, "
                  "io_uring_enter and io_uring_register, or set the sysctl to 0");
    case -ENOMEM:
      throw_errno(error,
                  "io_uring gets no memory (RLIMIT_MEMLOCK is used up): allow this process "
                  "64 KiB more locked memory, see `ulimit -l`");
    default:
      throw_errno(error, "io_uring cannot start");
  }
}

// What an enter may answer besides a count: time is up, a signal came, the completion queue must be
// emptied first. Anything else would be met again and again.
void check_enter(int result) noexcept {
  check(
      result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY,
      "io_uring_enter failed (used after fork, or from another thread?)");
}

// The length in an SQE has 32 bits and a result 31.
std::size_t transferable(const Request& request) noexcept {
  return std::min<std::size_t>(request.size, std::numeric_limits<int>::max());
}

bool told_later(const Request& request) noexcept {
  return request.kind == Request::Kind::kSend && (request.flags & Request::kTellLater) != 0;
}

// With MSG_DONTWAIT the kernel is done with it when it has taken the entry from the queue. That it
// failed, or sent less than all (MSG_WAITALL), is told by a completion that comes at once.
void prepare_told_later(io_uring_sqe* sqe, const Request& request, std::size_t size) noexcept {
  io_uring_prep_send(sqe, request.fd, request.data, size,
                     MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

}  // namespace

Ring::Ring(unsigned entries) {
  const int result = setup_when_released(ring_, entries);
  if (result < 0) refuse(result);
  capabilities_.backend = BackendKind::kIoUring;
  capabilities_.single_issuer = (ring_.flags & IORING_SETUP_SINGLE_ISSUER) != 0;
  capabilities_.defer_taskrun = (ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  capabilities_.submission_entries = ring_.sq.ring_entries;
  capabilities_.completion_entries = ring_.cq.ring_entries;
  // Saves a descriptor look-up per enter; works without too.
  capabilities_.registered_ring = io_uring_register_ring_fd(&ring_) == 1;
  // Who knows SINGLE_ISSUER has multishot receives.
  if (capabilities_.single_issuer) buffers_ = BufferRing::open(ring_);
  capabilities_.multishot_receive = buffers_ != nullptr;
  capabilities_.incremental_buffers = buffers_ != nullptr && buffers_->incremental();
}

Ring::~Ring() {
  check(in_flight_ == 0, "a ring is destroyed while the kernel owns operations");
  io_uring_queue_exit(&ring_);
}

io_uring_sqe* Ring::next_sqe() noexcept {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  if (sqe == nullptr && io_uring_submit(&ring_) > 0) sqe = io_uring_get_sqe(&ring_);
  return sqe;
}

bool Ring::prepare(Operation& operation) noexcept {
  io_uring_sqe* sqe = next_sqe();
  if (sqe == nullptr) return false;
  const Request& request = operation.request_;
  const std::size_t size = transferable(request);
  switch (request.kind) {
    case Request::Kind::kPoll:
      io_uring_prep_poll_add(sqe, request.fd, request.flags);
      break;
    case Request::Kind::kAccept:
      io_uring_prep_multishot_accept(sqe, request.fd, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case Request::Kind::kConnect:
      io_uring_prep_connect(sqe, request.fd, static_cast<sockaddr*>(request.data),
                            static_cast<socklen_t>(size));
      break;
    case Request::Kind::kReceive:
      io_uring_prep_recv(sqe, request.fd, request.data, size, 0);
      break;
    case Request::Kind::kReceiveMultishot:
      buffers_->prepare_receive(sqe, request.fd);
      break;
    case Request::Kind::kSend:
      if (told_later(request))
        prepare_told_later(sqe, request, size);
      else
        io_uring_prep_send(sqe, request.fd, request.data, size, MSG_NOSIGNAL);
      break;
  }
  io_uring_sqe_set_data(sqe, &operation);
  operation.submitted_ = true;
  (told_later(request) ? sending_ : submitted_).push_back(operation);
  return true;
}

void Ring::submit(Operation& operation, const Request& request) noexcept {
  check(!operation.in_flight(), "an operation is submitted while it is in flight");
  operation.request_ = request;
  // A kernel before 6.1, which has DEFER_TASKRUN, may tell of one that went in part as if it had
  // not gone at all: it has no io_sendrecv_fail().
  if (told_later(request) && !capabilities_.defer_taskrun) operation.request_.flags = 0;
  operation.cancel_ = Operation::Cancel::kNo;
  operation.submitted_ = false;
  ++in_flight_;
  if (told_later(operation.request_)) ++told_later_;
  if (!backlog_.empty() || !prepare(operation)) backlog_.push_back(operation);
}

bool Ring::prepare_cancel(Operation& operation) noexcept {
  io_uring_sqe* sqe = next_sqe();
  if (sqe == nullptr) return false;
  io_uring_prep_cancel(sqe, &operation, 0);
  io_uring_sqe_set_data(sqe, nullptr);
  operation.cancel_ = Operation::Cancel::kSent;
  return true;
}

void Ring::cancel(Operation& operation) noexcept {
  if (!operation.in_flight() || operation.cancel_ != Operation::Cancel::kNo) return;
  if (!operation.submitted_) return complete(operation, -ECANCELED, 0);
  operation.cancel_ = Operation::Cancel::kAsked;
  if (told_later(operation.request_)) return;  // Soon done.
  operation.unlink();
  if (cancelling_.empty() && prepare_cancel(operation))
    cancelled_.push_back(operation);
  else
    cancelling_.push_back(operation);
}

void Ring::cancel_all() noexcept {
  while (!backlog_.empty()) cancel(backlog_.front());
  IntrusiveList<Operation> all;
  all.append(submitted_);
  while (!all.empty()) cancel(all.front());
}

std::vector<Request> Ring::operations() const {
  std::vector<Request> held;
  for (const auto* list : {&submitted_, &sending_, &cancelling_, &cancelled_, &backlog_})
    list->for_each([&](const Operation& operation) { held.push_back(operation.request_); });
  return held;
}

void Ring::flush_backlog() noexcept {
  if (cancel_again_at_ && Steady::now() >= *cancel_again_at_) {
    cancel_again_at_.reset();
    cancelling_.append(cancelled_);
  }
  while (!cancelling_.empty() && prepare_cancel(cancelling_.front()))
    cancelled_.push_back(cancelling_.pop_front());
  while (!backlog_.empty()) {
    Operation& operation = backlog_.pop_front();
    if (prepare(operation)) continue;
    IntrusiveList<Operation> rest;  // Back to the head of the list.
    rest.push_back(operation);
    rest.append(backlog_);
    backlog_.append(rest);
    break;
  }
}

void Ring::wait(std::optional<Nanoseconds> timeout) noexcept {
  flush_backlog();
  // What the kernel would not take yet (EAGAIN: out of memory) is offered again soon.
  if (!backlog_.empty() || !cancelling_.empty() || cancel_again_at_)
    timeout = std::min(timeout.value_or(kRetryInterval), kRetryInterval);
  if (told_later_ > 0 && may_complete() == 0) timeout = Nanoseconds::zero();  // None may come.
  __kernel_timespec limit{};
  if (timeout) {
    limit.tv_sec = timeout->count() / 1'000'000'000;
    limit.tv_nsec = timeout->count() % 1'000'000'000;
  }
  io_uring_cqe* cqe = nullptr;
  check_enter(
      io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, timeout ? &limit : nullptr, nullptr));
  dispatch();
}

void Ring::poll() noexcept {
  flush_backlog();
  check_enter(io_uring_submit_and_get_events(&ring_));
  dispatch();
}

void Ring::dispatch() noexcept {
  told_ = false;
  IntrusiveList<Operation> sent;  // But for those that a completion tells of.
  if (io_uring_sq_ready(&ring_) == 0) sent.append(sending_);
  bool missed = false;  // A cancel did not find its operation, or could not stop it.
  io_uring_cqe* cqe = nullptr;
  while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
    auto* operation = static_cast<Operation*>(io_uring_cqe_get_data(cqe));
    const int result = cqe->res;
    const unsigned flags = cqe->flags;
    io_uring_cqe_seen(&ring_, cqe);
    if (operation != nullptr)
      complete(*operation, result, flags);
    else if (result < 0)
      missed = true;
  }
  // Most ended by themselves, and were told. One that is on its way from a poll to a thread of the
  // kernel's is not found though: io_queue_async().
  if (missed && !cancelled_.empty() && !cancel_again_at_)
    cancel_again_at_ = Steady::now() + kRetryInterval;
  while (!sent.empty()) {
    Operation& operation = sent.front();
    complete(operation, static_cast<int>(transferable(operation.request_)), 0);
  }
}

void Ring::complete(Operation& operation, int result, unsigned flags) noexcept {
  if (result == -EAGAIN && told_later(operation.request_)) return wait_to_send(operation);
  if (result == -ECANCELED && given_up(operation)) return ask_again(operation);
  told_ = true;
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  if (!more) ended(operation);
  if ((flags & IORING_CQE_F_BUFFER) == 0) return operation.complete_(operation, result, more);
  operation.request_.data = buffers_->data(flags);
  operation.complete_(operation, result, more);
  buffers_->consumed(flags, result);
}

// Nobody asked for the end: the kernel wanted a thread of its own for the operation, and did not
// get it as a signal was pending (copy_process() answers -ERESTARTNOINTR). Nothing was done.
bool Ring::given_up(const Operation& operation) noexcept {
  return operation.submitted_ && operation.cancel_ == Operation::Cancel::kNo;
}

void Ring::ended(Operation& operation) noexcept {
  operation.unlink();
  --in_flight_;
  if (told_later(operation.request_)) --told_later_;
}

// The socket takes nothing now: as a send that is told.
void Ring::wait_to_send(Operation& operation) noexcept {
  operation.request_.flags = 0;
  --told_later_;
  ask_again(operation);
}

void Ring::ask_again(Operation& operation) noexcept {
  operation.unlink();
  operation.submitted_ = false;
  backlog_.push_back(operation);
  const bool cancelled =
      std::exchange(operation.cancel_, Operation::Cancel::kNo) != Operation::Cancel::kNo;
  if (cancelled) cancel(operation);
}

}  // namespace brigade
