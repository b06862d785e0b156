#include "brigade/runtime/loop.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>

#include "brigade/runtime/backend.h"
#include "brigade/runtime/unique_fd.h"

namespace brigade {
namespace {

// Steps between two looks at I/O and timers: a task that is always ready starves neither.
constexpr int kStepsPerTurn = 256;

// close(): rounds of cancelling, and how long one may wait for clean-up code.
constexpr int kCancelRounds = 10;
constexpr std::chrono::milliseconds kRoundLimit(100);

// close(): how long the kernel may take to give back what was cancelled.
constexpr std::chrono::seconds kKernelLimit(10);

}  // namespace

// Marks the loop that runs on this thread.
class Loop::Running {
 public:
  explicit Running(Loop& loop) {
    check(current_ == nullptr, "a loop already runs on this thread");
    loop.take_thread();
    current_ = &loop;
  }
  ~Running() {
    current_->until_ = nullptr;
    current_->until_idle_ = false;
    current_ = nullptr;
  }
};

Loop::Loop(LoopOptions options)
    : Scheduler(std::move(options.on_unhandled_error), std::move(options.on_task_end)),
      clock_(options.clock),
      backend_kind_(options.backend),
      make_backend_(std::move(options.make_backend)),
      ring_entries_(options.ring_entries),
      door_(std::make_shared<PostDoor>()),
      wake_([](Operation&, int, bool) noexcept {}) {}

Loop::~Loop() { close(); }

TimePoint Loop::now() const noexcept {
  return clock_ == ClockKind::kVirtual ? virtual_now_ : std::chrono::steady_clock::now();
}

void Loop::prepare_io() {
  if (backend_) return;
  if (!make_backend_) {
    backend_ = std::make_unique<Backend>(backend_kind_, ring_entries_);
    return;
  }
  std::unique_ptr<CustomBackend> custom = make_backend_(*this);
  SocketCalls* const calls = custom.get();
  backend_ = std::make_unique<Backend>(std::move(custom));
  socket_calls_ = calls;
}

void Loop::attach(int fd) { backend_->attach(fd); }

Capabilities Loop::capabilities() {
  prepare_io();
  return backend_->capabilities();
}

void Loop::submit(Operation& operation, const Request& request) noexcept {
  backend_->submit(operation, request);
}

void Loop::cancel(Operation& operation) noexcept {
  if (operation.in_flight()) backend_->cancel(operation);
}

void Loop::run_until_idle() {
  if (task_count() == 0) return;
  until_idle_ = true;
  drive(nullptr);
}

void Loop::run_forever() { drive(nullptr); }

void Loop::run_once() {
  check(!closed_, "a closed loop cannot run");
  const Running running(*this);
  door_->run_posted();
  run_ready_once();
  run_turn_ends();
  look();
}

void Loop::drive(const TaskContext* until) {
  check(!closed_, "a closed loop cannot run");
  const Running running(*this);
  until_ = until;
  stopped_ = false;
  while (!stopped_) {
    door_->run_posted();
    run_ready(kStepsPerTurn);
    run_turn_ends();
    if (stopped_) break;
    if (!any_ready())
      wait();
    else
      look();
  }
}

void Loop::run_turn_ends() noexcept {
  while (!turn_ends_.empty()) {
    TurnEnd& hook = turn_ends_.pop_front();
    hook.run_(hook);
  }
}

void Loop::look() noexcept {
  if (backend_ && backend_->in_flight() > 0) backend_->poll();
  if (clock_ == ClockKind::kReal && !timers_.empty()) timers_.fire_due(now());
}

void Loop::wait(Nanoseconds limit) {
  const bool is_virtual = clock_ == ClockKind::kVirtual;
  // The wake-up of the door itself is no I/O that a task waits for.
  const std::size_t own = wake_.in_flight() ? 1 : 0;
  if (is_virtual && backend_ && backend_->in_flight() > own) {
    look();
    if (any_ready() || !turn_ends_.empty() || backend_->busy()) return;
  }
  const bool jumps = is_virtual && !timers_.empty() && external_work_ == 0;
  if (jumps) {
    virtual_now_ = std::max(virtual_now_, timers_.earliest());
  } else if (is_virtual || timers_.empty()) {
    const bool io = backend_ && backend_->may_complete() > own;
    if (!io && external_work_ == 0)
      throw DeadlockError("nothing can wake any task: " + describe_tasks());
    sleep(limit);
  } else {
    sleep(std::clamp(timers_.earliest() - now(), Nanoseconds::zero(), limit));
  }
  if (jumps || !is_virtual) timers_.fire_due(now());
}

void Loop::sleep(Nanoseconds limit) {
  prepare_io();
  if (!wake_.in_flight()) {
    door_->clear_wake();
    submit(wake_, Request{Request::Kind::kPoll, door_->wake_fd(), nullptr, 0, POLLIN});
  }
  if (!door_->prepare_sleep()) return;
  backend_->wait(limit == Nanoseconds::max() ? std::nullopt : std::optional(limit));
  door_->end_sleep();
}

void Loop::close() {
  if (task_count() == 0 && !backend_) closed_ = true;  // Perhaps within the run of another loop.
  if (closed_) return;
  const Running running(*this);
  closing_ = true;
  for (int round = 0; round < kCancelRounds && task_count() > 0; ++round) cancel_round();
  if (task_count() > 0)
    std::fprintf(stderr, "brigade: given up at close, as they swallow every cancel: %s\n",
                 describe_tasks().c_str());
  end_operations();
  closed_ = true;
  socket_calls_ = nullptr;
  backend_.reset();
}

void Loop::cancel_round() {
  cancel_all();
  const TimePoint end = std::chrono::steady_clock::now() + kRoundLimit;
  stopped_ = false;
  while (task_count() > 0) {
    door_->run_posted();
    run_ready(kStepsPerTurn);
    run_turn_ends();
    const Nanoseconds left = end - std::chrono::steady_clock::now();
    if (left <= Nanoseconds::zero() || task_count() == 0) return;
    try {
      if (!any_ready())
        wait(left);
      else
        look();
    } catch (const std::exception&) {
      return;  // They wait for each other, or no back end can start: only another cancel helps.
    }
  }
}

void Loop::end_operations() noexcept {
  const TimePoint end = std::chrono::steady_clock::now() + kKernelLimit;
  run_turn_ends();
  while (backend_ && backend_->in_flight() > 0) {
    backend_->cancel_all();
    backend_->wait(kRoundLimit);
    run_turn_ends();
    check(std::chrono::steady_clock::now() < end, "the kernel keeps cancelled operations");
  }
}

Ledger Loop::ledger() const noexcept {
  return {task_count(), backend_ ? backend_->in_flight() : 0, FramePool::live(), UniqueFd::open()};
}

}  // namespace brigade
