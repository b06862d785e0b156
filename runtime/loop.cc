#include "brigade/runtime/loop.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "brigade/runtime/backend.h"
#include "brigade/runtime/task_tree.h"
#include "brigade/runtime/unique_fd.h"

namespace brigade {
namespace {

// Steps between two looks at I/O and timers: a task that is always ready starves neither.
constexpr int kStepsPerTurn = 256;

// Tasks named in the report of a deadlock.
constexpr std::size_t kToldTasks = 20;

// close(): rounds of cancelling after which no task has ended, and how long one may last.
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
    : Scheduler(std::move(options)),
      door_(std::make_shared<PostDoor>()),
      wake_([](Operation&, int, bool) noexcept {}) {
  const unsigned entries = options_.ring_entries;
  if (entries == 0 || entries > LoopOptions::kMaxRingEntries)
    throw std::invalid_argument("ring_entries is " + std::to_string(entries) + ": 1 to " +
                                std::to_string(LoopOptions::kMaxRingEntries) + " are accepted");
}

Loop::~Loop() { close(); }

TimePoint Loop::now() const noexcept {
  return options_.clock == ClockKind::kVirtual ? virtual_now_ : std::chrono::steady_clock::now();
}

void Loop::prepare_io() {
  if (backend_) return;
  if (options_.make_backend) {
    std::unique_ptr<CustomBackend> custom = options_.make_backend(*this);
    SocketCalls* const calls = custom.get();
    backend_ = std::make_unique<Backend>(std::move(custom));
    socket_calls_ = calls;
  } else {
    backend_ = std::make_unique<Backend>(options_.backend, options_.ring_entries);
  }
  uses_ = backend_->capabilities();
}

void Loop::attach(int fd) { backend_->attach(fd); }

Capabilities Loop::capabilities() {
  prepare_io();
  return uses_;
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
  turn_time_ = now();
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
    turn_time_ = now();
    door_->run_posted();
    run_ready(kStepsPerTurn);
    run_turn_ends();
    if (!stopped_ && !any_ready())
      wait();
    else
      look();  // Once more when it stops: what the last turn has asked for goes out.
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
  if (options_.clock == ClockKind::kReal && !timers_.empty()) timers_.fire_due(now());
}

void Loop::wait(Nanoseconds limit) {
  if (door_->any_posted()) return;
  const bool is_virtual = options_.clock == ClockKind::kVirtual;
  if (!is_virtual && backend_ && options_.busy_poll > Nanoseconds::zero() && spin()) return;
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
    const bool io = backend_ && backend_->may_complete() > own + unattended_;
    if (!io && external_work_ == 0)
      throw DeadlockError("nothing can wake any task:\n" +
                          brigade::task_tree(all_tasks(), now(), kToldTasks));
    sleep(limit);
  } else {
    sleep(std::clamp(timers_.earliest() - now(), Nanoseconds::zero(), limit));
  }
  if ((jumps || !is_virtual) && !timers_.empty()) timers_.fire_due(now());
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

bool Loop::spin() noexcept {
  TimePoint time = now();
  const TimePoint end = after(time, options_.busy_poll);
  do {
    backend_->poll();
    time = now();
    timers_.fire_due(time);
    if (any_ready() || !turn_ends_.empty() || backend_->busy() || door_->any_posted()) return true;
  } while (time < end);
  return false;
}

void Loop::close() {
  if (closed_) return;
  if (task_count() == 0 && !backend_) {  // Perhaps within the run of another loop.
    closed_ = true;
    return door_->close();
  }
  const Running running(*this);
  closing_ = true;
  for (int in_vain = 0; in_vain < kCancelRounds && task_count() > 0;) {
    const std::size_t before = task_count();
    cancel_round();
    if (task_count() >= before) ++in_vain;
  }
  if (task_count() > 0)
    std::fprintf(stderr, "brigade: given up at close, as they swallow every cancel:\n%s",
                 brigade::task_tree(all_tasks(), now(), kToldTasks).c_str());
  end_operations();
  closed_ = true;
  socket_calls_ = nullptr;
  backend_.reset();
  door_->close();
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

std::vector<Request> Loop::operations() const {
  return backend_ ? backend_->operations() : std::vector<Request>();
}

Ledger Loop::ledger() const noexcept {
  return {task_count(), backend_ ? backend_->in_flight() : 0, FramePool::live(), UniqueFd::open()};
}

std::vector<TaskRef> Loop::tasks() const {
  std::vector<TaskRef> tasks;
  all_tasks().for_each([&](TaskContext& context) { tasks.emplace_back(context); });
  return tasks;
}

std::string Loop::task_tree() const { return brigade::task_tree(all_tasks(), now(), task_count()); }

}  // namespace brigade
