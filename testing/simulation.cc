#include "brigade/testing/simulation.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "brigade/runtime/check.h"
#include "brigade/runtime/operation.h"
#include "brigade/testing/simulated_sockets.h"

namespace brigade {

struct SimulatedSockets::Pending {
  Operation& owner;
  const Request request;
  const EndPtr end;  // Null for a descriptor of the kernel.
  bool due = false;  // It may have something to tell.
  bool cancelled = false;
  int events = -EAGAIN;  // what the kernel said of its descriptor
};

namespace {

constexpr const char* kKinds[] = {"poll", "accept", "connect", "receive", "send"};  // by number

class Simulation final : public SimulatedSockets {
 public:
  using SimulatedSockets::SimulatedSockets;
  ~Simulation() override {
    check(pending_.empty(), "a back end is destroyed while it owns operations");
  }

  void attach(int) noexcept override {}
  void submit(Operation& operation, const Request& request) noexcept override;
  void cancel(Operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void wait(std::optional<Nanoseconds> timeout) noexcept override;
  void poll() noexcept override { wait(Nanoseconds::zero()); }
  std::size_t in_flight() const noexcept override { return pending_.size(); }
  std::vector<Request> operations() const override;
  std::size_t may_complete() const noexcept override { return outside_.size() + due_.size(); }
  bool busy() const noexcept override { return !due_.empty(); }
  Capabilities capabilities() const noexcept override { return {}; }
  void close(int fd) noexcept override;

 private:
  void changed(End& end) noexcept override;
  void make_due(Pending& pending) noexcept;
  void look_outside(std::optional<Nanoseconds> timeout) noexcept;
  void tell_due() noexcept;
  void tell(Pending& pending) noexcept;
  int attempt(Pending& pending) noexcept;
  void finish(Pending& pending, int result) noexcept;

  std::unordered_map<Operation*, std::unique_ptr<Pending>> pending_;
  IntrusiveList<Operation> owners_;  // Makes them in_flight(), in the order of submission.
  std::vector<Pending*> due_;
  std::vector<Pending*> outside_;  // Polls of the kernel's descriptors.
};

void Simulation::submit(Operation& operation, const Request& request) noexcept {
  check(!operation.in_flight(), "an operation is submitted while it is in flight");
  owners_.push_back(operation);
  auto& pending = *(pending_[&operation] = std::unique_ptr<Pending>(
                        new Pending{operation, request, find(request.fd)}));
  if (!pending.end) {
    if (request.kind == Request::Kind::kPoll && !is_simulated(request.fd))
      return outside_.push_back(&pending);
    pending.events = -EBADF;
    return make_due(pending);
  }
  pending.end->waiting.push_back(&pending);
  if (request.kind == Request::Kind::kConnect)
    start_connect(pending.end, static_cast<const sockaddr*>(request.data),
                  static_cast<socklen_t>(request.size));
  make_due(pending);
}

std::vector<Request> Simulation::operations() const {
  std::vector<Request> held;
  owners_.for_each([&](Operation& owner) { held.push_back(pending_.at(&owner)->request); });
  return held;
}

void Simulation::make_due(Pending& pending) noexcept {
  if (!std::exchange(pending.due, true)) due_.push_back(&pending);
}

void Simulation::changed(End& end) noexcept {
  for (Pending* const pending : end.waiting) make_due(*pending);
}

void Simulation::cancel(Operation& operation) noexcept {
  const auto found = pending_.find(&operation);
  if (found == pending_.end()) return;
  found->second->cancelled = true;
  make_due(*found->second);
}

void Simulation::cancel_all() noexcept {
  owners_.for_each([this](Operation& operation) { cancel(operation); });
}

void Simulation::close(int fd) noexcept {
  const EndPtr end = find(fd);
  const auto is_poll = [](const Pending* pending) {
    return pending->request.kind == Request::Kind::kPoll;
  };
  check(!end || std::ranges::all_of(end->waiting, is_poll),
        "a descriptor was closed while an operation on it was in flight");
  SimulatedSockets::close(fd);
}

void Simulation::wait(std::optional<Nanoseconds> timeout) noexcept {
  if (!due_.empty()) timeout = Nanoseconds::zero();
  if (!outside_.empty() || timeout != Nanoseconds::zero()) look_outside(timeout);
  tell_due();
}

void Simulation::look_outside(std::optional<Nanoseconds> timeout) noexcept {
  std::vector<pollfd> queries;
  for (const Pending* const pending : outside_)
    queries.push_back({pending->request.fd, static_cast<short>(pending->request.flags), 0});
  timespec limit{};
  if (timeout) {
    limit.tv_sec = timeout->count() / 1'000'000'000;
    limit.tv_nsec = timeout->count() % 1'000'000'000;
  }
  if (::ppoll(queries.data(), queries.size(), timeout ? &limit : nullptr, nullptr) <= 0) return;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (queries[i].revents == 0) continue;
    outside_[i]->events = (queries[i].revents & POLLNVAL) != 0 ? -EBADF : queries[i].revents;
    make_due(*outside_[i]);
  }
}

void Simulation::tell_due() noexcept {
  std::vector<Pending*> due = std::exchange(due_, {});
  for (std::size_t left = due.size(); left > 1; --left) std::swap(due[below(left)], due[left - 1]);
  for (Pending* const pending : due) tell(*pending);
}

// Tells what there is, if anything: nothing was taken before that would be lost.
void Simulation::tell(Pending& pending) noexcept {
  pending.due = false;
  const bool accepts = pending.request.kind == Request::Kind::kAccept;
  int result = -EAGAIN;
  if (!pending.cancelled || chance(50)) result = attempt(pending);
  if (result == -EAGAIN && pending.cancelled) result = -ECANCELED;
  if (result == -EAGAIN) return;
  note(pending.end, std::string("answers ") + kKinds[static_cast<int>(pending.request.kind)] +
                        ": " + std::to_string(result));
  if (!accepts || result < 0) return finish(pending, result);
  make_due(pending);  // There may be more clients.
  complete(pending.owner, result, true);
}

// The result, or -EAGAIN if it is not there yet.
int Simulation::attempt(Pending& pending) noexcept {
  const Request& request = pending.request;
  End* const end = pending.end.get();
  if (end == nullptr) return std::exchange(pending.events, -EAGAIN);
  switch (request.kind) {
    case Request::Kind::kPoll: {
      const unsigned events = readiness(*end) & (request.flags | POLLERR | POLLHUP);
      return events != 0 ? static_cast<int>(events) : -EAGAIN;
    }
    case Request::Kind::kAccept:
      if (!end->clients.empty() && chance(options_.shortages))
        return chance(50) ? -EMFILE : -ENOBUFS;
      return accept(request.fd);
    case Request::Kind::kConnect:
      return end->connect_result.value_or(-EAGAIN);
    case Request::Kind::kReceive: {
      std::size_t size = std::min(request.size, end->input.size());
      if (size > 1 && chance(options_.short_receives)) size = 1 + below(size - 1);
      return receive_from(*end, static_cast<char*>(request.data), size);
    }
    case Request::Kind::kSend:
      return static_cast<int>(send(request.fd, request.data, request.size));
    case Request::Kind::kReceiveMultishot:
      break;  // There is no buffer ring.
  }
  return -EINVAL;
}

void Simulation::finish(Pending& pending, int result) noexcept {
  Operation& owner = pending.owner;
  if (pending.end) {
    std::erase(pending.end->waiting, &pending);
    if (pending.request.kind == Request::Kind::kConnect) drop_connect(*pending.end);
  } else {
    std::erase(outside_, &pending);
  }
  if (pending.due) std::erase(due_, &pending);
  owner.unlink();
  pending_.erase(&owner);
  complete(owner, result, false);
}

}  // namespace

BackendFactory simulation(SimulationOptions options) {
  return [options](Loop& loop) { return std::make_unique<Simulation>(loop, options); };
}

}  // namespace brigade
