#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/operation.h"
#include "brigade/runtime/unique_fd.h"

namespace brigade {

/// epoll behind the same verbs as Ring, for machines that refuse io_uring: it waits until a
/// descriptor is ready and then does the operation itself, within wait() or poll().
///
/// A socket is registered once, edge-triggered, for both directions; what epoll said of it is kept
/// until a call answers EAGAIN. A descriptor of kPoll belongs to the user, who may close it and
/// open another of the same number: it is registered anew, one-shot, for each wait.
///
/// A registration outlives its descriptor while the file is open elsewhere, as in a forked child.
/// Its events tell of the same number, but of another generation than that of the socket which has
/// it now, and are ignored. A kPoll needs none: poll(2) decides.
///
/// Errors:     the constructor throws std::system_error; the verbs none.
/// Complexity: submit, cancel O(1); a wait costs one system call, and one per operation done.
/// Threads:    one.
/// Lifetime:   must be idle when destroyed.
class Epoll {
 public:
  Epoll();
  ~Epoll();
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;

  /// `fd` is a new socket, whatever its number meant before. Throws std::bad_alloc.
  void attach(int fd);

  void submit(Operation& operation, const Request& request) noexcept;
  void cancel(Operation& operation) noexcept;
  void cancel_all() noexcept;
  void wait(std::optional<Nanoseconds> timeout) noexcept;
  void poll() noexcept { wait(Nanoseconds::zero()); }
  std::size_t in_flight() const noexcept { return in_flight_; }
  std::size_t may_complete() const noexcept { return in_flight_; }
  std::vector<Request> operations() const;
  Capabilities capabilities() const { return {}; }

  /// The last wait told or left something: there may be more to do at once.
  bool busy() const noexcept { return told_ || !runnable_.empty() || !finished_.empty(); }

 private:
  /// What is known of one descriptor, and the operations that wait for it.
  struct Descriptor : ListNode<Descriptor> {
    explicit Descriptor(int number) noexcept : fd(number) {}

    const int fd;
    std::uint32_t generation = 0;  // Of the number: another with each attach().
    bool registered = false;
    bool short_read_drains = false;  // TCP, unless epoll told of an end, an error or urgent data.
    bool readable = false;           // As far as epoll told, and no call has contradicted.
    bool writable = false;
    IntrusiveList<Operation> readers;
    IntrusiveList<Operation> writers;
    IntrusiveList<Operation> polls;
  };

  Descriptor& find(int fd);
  int watch(const Descriptor& descriptor, unsigned events) noexcept;
  int watch_socket(Descriptor& descriptor) noexcept;
  int watch_polls(Descriptor& descriptor) noexcept;
  int start(Operation& operation, Descriptor& descriptor) noexcept;
  void note(const epoll_event& event) noexcept;
  void run(Descriptor& descriptor) noexcept;
  void run_polls(Descriptor& descriptor) noexcept;
  void read(Descriptor& descriptor, Operation& operation) noexcept;
  void accept(Descriptor& descriptor, Operation& operation) noexcept;
  void write(Descriptor& descriptor, Operation& operation) noexcept;
  void finish(Operation& operation, int result) noexcept;
  void complete_finished() noexcept;
  int wait_events(std::optional<Nanoseconds> timeout) noexcept;

  static constexpr int kMaxEvents = 256;

  UniqueFd epoll_;
  std::size_t in_flight_ = 0;
  bool told_ = false;
  bool has_pwait2_ = true;                                // As far as known.
  std::vector<std::unique_ptr<Descriptor>> descriptors_;  // by number
  IntrusiveList<Descriptor> runnable_;                    // Something may be done at once.
  IntrusiveList<Operation> finished_;                     // Done; not yet told.
  epoll_event events_[kMaxEvents];
};

}  // namespace brigade
