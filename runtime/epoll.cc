#include "brigade/runtime/epoll.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "brigade/runtime/check.h"
#include "brigade/runtime/error.h"

namespace brigade {
namespace {

constexpr unsigned kSocketEvents = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;

// Connections taken per turn, so that a storm of them does not hold up who is connected.
constexpr int kMaxAccepts = 64;

int option_of(int fd, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

bool is_tcp(int fd) noexcept {
  const int domain = option_of(fd, SO_DOMAIN);
  return domain == AF_INET || domain == AF_INET6;
}

void set_nonblocking(int fd) noexcept { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

Epoll::Epoll() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw_errno(-errno, "epoll cannot start");
}

Epoll::~Epoll() { check(in_flight_ == 0, "a back end is destroyed while it owns operations"); }

Epoll::Descriptor& Epoll::find(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= descriptors_.size()) descriptors_.resize(std::max(index + 1, index * 2));
  if (!descriptors_[index]) descriptors_[index] = std::make_unique<Descriptor>(fd);
  return *descriptors_[index];
}

void Epoll::attach(int fd) {
  Descriptor& descriptor = find(fd);
  ++descriptor.generation;
  descriptor.registered = descriptor.readable = descriptor.writable = false;
}

int Epoll::watch(const Descriptor& descriptor, unsigned events) noexcept {
  const int fd = descriptor.fd;
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{descriptor.generation} << 32 | static_cast<std::uint32_t>(fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  if (errno == EEXIST && ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  return -errno;
}

int Epoll::watch_socket(Descriptor& descriptor) noexcept {
  if (descriptor.registered) return 0;
  const int result = watch(descriptor, kSocketEvents);
  descriptor.registered = result == 0;
  descriptor.short_read_drains = is_tcp(descriptor.fd);
  return result;
}

int Epoll::watch_polls(Descriptor& descriptor) noexcept {
  unsigned events = 0;
  descriptor.polls.for_each([&](Operation& operation) { events |= operation.request_.flags; });
  return watch(descriptor, events | EPOLLONESHOT);
}

void Epoll::submit(Operation& operation, const Request& request) noexcept {
  check(!operation.in_flight(), "an operation is submitted while it is in flight");
  operation.request_ = request;
  operation.submitted_ = true;
  ++in_flight_;
  int error = -EBADF;
  try {
    if (request.fd >= 0) error = start(operation, find(request.fd));
  } catch (const std::bad_alloc&) {
    error = -ENOMEM;  // Of a descriptor that is polled for the first time.
  }
  if (error != 0) finish(operation, error);
}

// Puts an operation where it waits; a negative errno if it cannot wait there.
int Epoll::start(Operation& operation, Descriptor& descriptor) noexcept {
  const Request& request = operation.request_;
  switch (request.kind) {
    case Request::Kind::kPoll: {
      descriptor.polls.push_back(operation);
      const int error = watch_polls(descriptor);
      // Regular files cannot be watched, and are always ready.
      return error == -EPERM ? static_cast<int>(request.flags & (POLLIN | POLLOUT)) : error;
    }
    case Request::Kind::kConnect:
      set_nonblocking(request.fd);
      if (::connect(request.fd, static_cast<sockaddr*>(request.data),
                    static_cast<socklen_t>(request.size)) == 0) {
        finish(operation, 0);
        return 0;
      }
      if (errno != EINPROGRESS) return -errno;
      descriptor.writers.push_back(operation);
      return watch_socket(descriptor);
    case Request::Kind::kSend:
      descriptor.writers.push_back(operation);
      break;
    case Request::Kind::kReceiveMultishot:
      return -EOPNOTSUPP;
    case Request::Kind::kAccept:
      set_nonblocking(request.fd);
      [[fallthrough]];
    case Request::Kind::kReceive:
      descriptor.readers.push_back(operation);
      break;
  }
  const int error = watch_socket(descriptor);
  // What was ready before is tried again: epoll tells of changes only.
  const bool ready =
      request.kind == Request::Kind::kSend ? descriptor.writable : descriptor.readable;
  if (error == 0 && ready && !descriptor.linked()) runnable_.push_back(descriptor);
  return error;
}

void Epoll::finish(Operation& operation, int result) noexcept {
  operation.unlink();
  operation.submitted_ = false;
  operation.result_ = result;
  finished_.push_back(operation);
}

void Epoll::cancel(Operation& operation) noexcept {
  if (operation.in_flight() && operation.submitted_) finish(operation, -ECANCELED);
}

void Epoll::cancel_all() noexcept {
  for (const auto& descriptor : descriptors_) {
    if (!descriptor) continue;
    for (auto* list : {&descriptor->readers, &descriptor->writers, &descriptor->polls})
      while (!list->empty()) finish(list->front(), -ECANCELED);
  }
}

std::vector<Request> Epoll::operations() const {
  std::vector<Request> held;
  const auto note = [&](const Operation& operation) { held.push_back(operation.request_); };
  for (const auto& descriptor : descriptors_) {
    if (!descriptor) continue;
    for (const auto* list : {&descriptor->readers, &descriptor->writers, &descriptor->polls})
      list->for_each(note);
  }
  finished_.for_each(note);
  return held;
}

void Epoll::wait(std::optional<Nanoseconds> timeout) noexcept {
  if (!runnable_.empty() || !finished_.empty()) timeout = Nanoseconds::zero();
  const int count = wait_events(timeout);
  told_ = false;
  for (int i = 0; i < count; ++i) note(events_[i]);
  IntrusiveList<Descriptor> ready;
  ready.append(runnable_);
  while (!ready.empty()) run(ready.pop_front());
  complete_finished();
}

int Epoll::wait_events(std::optional<Nanoseconds> timeout) noexcept {
  int count = -1;
  if (has_pwait2_) {
    timespec limit{};
    if (timeout) {
      limit.tv_sec = timeout->count() / 1'000'000'000;
      limit.tv_nsec = timeout->count() % 1'000'000'000;
    }
    count = ::epoll_pwait2(epoll_.get(), events_, kMaxEvents, timeout ? &limit : nullptr, nullptr);
    has_pwait2_ = count >= 0 || (errno != ENOSYS && errno != EPERM && errno != EACCES);
  }
  // Before 5.11, or behind a filter that does not know it: whole milliseconds, never early.
  if (!has_pwait2_) {
    const auto milliseconds =
        std::chrono::ceil<std::chrono::milliseconds>(timeout.value_or(Nanoseconds::zero()));
    const auto longest = std::chrono::milliseconds(std::chrono::hours(24));
    count = ::epoll_wait(epoll_.get(), events_, kMaxEvents,
                         timeout ? static_cast<int>(std::min(milliseconds, longest).count()) : -1);
  }
  check(count >= 0 || errno == EINTR, "epoll_wait failed");
  return count;
}

void Epoll::note(const epoll_event& event) noexcept {
  Descriptor& descriptor = *descriptors_[static_cast<std::uint32_t>(event.data.u64)];
  if (event.data.u64 >> 32 != descriptor.generation) return;
  const bool over = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
  // recv(2) stops at the urgent byte, though more may have come behind it.
  if ((event.events & (EPOLLRDHUP | EPOLLPRI)) != 0 || over) descriptor.short_read_drains = false;
  if ((event.events & (EPOLLIN | EPOLLRDHUP)) != 0 || over) descriptor.readable = true;
  if ((event.events & EPOLLOUT) != 0 || over) descriptor.writable = true;
  if (!descriptor.linked()) runnable_.push_back(descriptor);
}

void Epoll::run(Descriptor& descriptor) noexcept {
  if (!descriptor.polls.empty()) run_polls(descriptor);
  if (descriptor.readable && !descriptor.readers.empty())
    read(descriptor, descriptor.readers.front());
  if (descriptor.writable && !descriptor.writers.empty())
    write(descriptor, descriptor.writers.front());
}

void Epoll::run_polls(Descriptor& descriptor) noexcept {
  IntrusiveList<Operation> waiting;
  waiting.append(descriptor.polls);
  while (!waiting.empty()) {
    Operation& operation = waiting.pop_front();
    pollfd query{descriptor.fd, static_cast<short>(operation.request_.flags), 0};
    if (::poll(&query, 1, 0) != 0)
      finish(operation, (query.revents & POLLNVAL) != 0 ? -EBADF : query.revents);
    else
      descriptor.polls.push_back(operation);
  }
  if (!descriptor.polls.empty()) watch_polls(descriptor);
}

void Epoll::read(Descriptor& descriptor, Operation& operation) noexcept {
  const Request& request = operation.request_;
  if (request.kind == Request::Kind::kAccept) return accept(descriptor, operation);
  const ssize_t count = ::recv(request.fd, request.data, request.size, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) {
    descriptor.readable = false;
    return;
  }
  const bool drained =
      descriptor.short_read_drains && static_cast<std::size_t>(count) < request.size;
  if (count > 0 && drained) descriptor.readable = false;
  finish(operation, count < 0 ? -errno : static_cast<int>(count));
}

void Epoll::accept(Descriptor& descriptor, Operation& operation) noexcept {
  for (int i = 0; i < kMaxAccepts; ++i) {
    const int fd = ::accept4(descriptor.fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 && errno == EAGAIN) {
      descriptor.readable = false;
      return;
    }
    if (fd < 0) return finish(operation, -errno);
    told_ = true;
    operation.complete_(operation, fd, true);
    if (!operation.submitted_) return;  // Cancelled by whoever was told.
  }
  runnable_.push_back(descriptor);
}

void Epoll::write(Descriptor& descriptor, Operation& operation) noexcept {
  const Request& request = operation.request_;
  if (request.kind == Request::Kind::kConnect)
    return finish(operation, -option_of(request.fd, SO_ERROR));
  const ssize_t count = ::send(request.fd, request.data, request.size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0 && errno == EAGAIN)
    descriptor.writable = false;
  else
    finish(operation, count < 0 ? -errno : static_cast<int>(count));
}

void Epoll::complete_finished() noexcept {
  IntrusiveList<Operation> done;
  done.append(finished_);
  while (!done.empty()) {
    Operation& operation = done.pop_front();
    --in_flight_;
    told_ = true;
    operation.complete_(operation, operation.result_, false);
  }
}

}  // namespace brigade
