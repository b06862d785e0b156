#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/loop_options.h"
#include "brigade/runtime/operation.h"
#include "brigade/runtime/post_door.h"
#include "brigade/runtime/scheduler.h"
#include "brigade/runtime/task_handle.h"
#include "brigade/runtime/timer_heap.h"

namespace brigade {

class Backend;

/// What this thread's loops and tasks hold; all zero after Loop::close().
struct Ledger {
  std::size_t tasks;        // spawned and not ended
  std::size_t operations;   // owned by the kernel
  std::size_t frames;       // coroutine frames, task contexts, and the buffers of streams
  std::size_t descriptors;  // held by a UniqueFd

  bool operator==(const Ledger&) const = default;
};

/// Something to do at the end of the turn, after the ready tasks and before the kernel is asked.
class TurnEnd : public ListNode<TurnEnd> {
 public:
  using Run = void (*)(TurnEnd&) noexcept;
  explicit TurnEnd(Run run) noexcept : run_(run) {}

 private:
  friend class Loop;
  Run run_;
};

/// The event loop: runs ready tasks in FIFO order, fires timers, and waits on io_uring, or on epoll
/// where that is refused (set up when first needed: a program on the virtual clock without I/O
/// never asks for it).
///
/// Errors:       the run functions throw what the awaited task throws, DeadlockError when nothing
///               can ever wake the tasks that wait, and std::system_error if no back end can start.
/// Cancellation: see docs/design/cancellation.md; close() cancels every task.
/// Complexity:   spawn, wake, submit O(1); a timer O(log n); one system call per turn that waits.
/// Threads:      loop-affine: only post() may be called from another thread.
/// Lifetime:     handles, streams and locks in use must not outlive it.
/// Example:      examples/event_loop.cc
class Loop : public Scheduler {
 public:
  explicit Loop(LoopOptions options = {});
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The loop that runs on this thread; a broken check if none does.
  static Loop& current() noexcept {
    check(current_ != nullptr, "no loop runs on this thread");
    return *current_;
  }

  /// The same, or nullptr.
  static Loop* running() noexcept { return current_; }

  /// Makes a task of `task`; it starts in a later turn. Unnamed ones are called "Task-1", ...
  template <class T>
  TaskHandle<T> spawn(Task<T> task, std::string name = {},
                      const std::source_location& where = std::source_location::current()) {
    return start(task, name, where);
  }

  /// Runs until this task, new or of this loop, has ended; returns its value, moved, or throws what
  /// it threw. Others stay where they are, for the next run.
  template <class T>
  T run_until_complete(Task<T> task, std::string name = {},
                       const std::source_location& where = std::source_location::current()) {
    return run_until_complete(start(task, name, where));
  }
  template <class T>
  T run_until_complete(const TaskHandle<T>& handle) {
    check(&handle.context().scheduler() == this, "run_until_complete() of another loop's task");
    if (!handle.done()) drive(&handle.context());
    if (!handle.done()) throw std::logic_error("stop() before '" + handle.name() + "' had ended");
    if constexpr (std::is_void_v<T>)
      handle.result();
    else
      return std::move(handle.result());
  }

  /// Runs until every task has ended.
  void run_until_idle();

  /// Runs until stop().
  void run_forever();

  /// One turn: the tasks that are ready now run once each, then I/O and timers are looked at.
  void run_once();

  /// Makes the run function that is active return after the current step.
  void stop() noexcept { stopped_ = true; }

  /// Cancels every task and runs until all have ended, ends all kernel operations and frees what
  /// they used. Tasks that swallow ten cancels without any of them ending are named on stderr and
  /// given up: their frames are never freed. The destructor calls it. Idempotent.
  void close();

  /// Runs `function` on the loop's thread, from any thread, without waiting. It must not throw. If
  /// the loop closes first it never runs, and is destroyed. The loop cannot know that a thread will
  /// post: who waits for that is reported as a deadlock, unless something else is under way or an
  /// ExternalWork lives.
  void post(std::function<void()> function) {
    door()->post(std::move(function));  // What is posted may end the loop before this returns.
  }

  /// While one lives, another thread is expected to post(): the loop waits instead of reporting a
  /// deadlock, and the virtual clock stands still. Made and destroyed on the loop's thread.
  class ExternalWork {
   public:
    explicit ExternalWork(Loop& loop) noexcept : loop_(loop) { ++loop_.external_work_; }
    ~ExternalWork() { --loop_.external_work_; }
    ExternalWork(const ExternalWork&) = delete;
    ExternalWork& operator=(const ExternalWork&) = delete;

   private:
    Loop& loop_;
  };

  /// Steady time; on the virtual clock it starts at zero and moves only when the loop is idle.
  TimePoint now() const noexcept;

  Ledger ledger() const noexcept;

  /// The tasks that have not ended, in the order they were spawned.
  std::vector<TaskRef> tasks() const;

  /// Who waits for whom, and for what, as text: see task_tree().
  std::string task_tree() const;

  /// The requests in flight, in any order: what they name must not be freed or closed. O(n).
  std::vector<Request> operations() const;

  /// What the kernel lets this loop use; sets the back end up if it is not yet.
  Capabilities capabilities();
  bool closing() const noexcept { return closing_; }

  // For spawn(), awaiters and streams.

  /// spawn() by reference, as moving even an empty string costs a call.
  template <class T>
  TaskHandle<T> start(Task<T>& task, std::string& name, const std::source_location& where) {
    take_thread();
    check(!closed_, "spawn() on a closed loop");
    check(task.valid(), "spawn() of a Task that was moved from");
    auto& context = TypedContext<T>::create(*this, task, name, where);
    adopt(context);
    return TaskHandle<T>(context);
  }

  void arm(Timer& timer, TimePoint deadline) { timers_.arm(timer, deadline); }
  void disarm(Timer& timer) noexcept { timers_.disarm(timer); }
  void prepare_io();    // sets the back end up; before the first submit()
  void attach(int fd);  // a new socket, before its first submit()
  void submit(Operation& operation, const Request& request) noexcept;

  /// Of the operations in flight, so many more or fewer would wake nobody when they complete.
  void change_unattended(int by) noexcept { unattended_ += static_cast<std::size_t>(by); }

  /// What the back end that prepare_io() has set up can do.
  const Capabilities& uses() const noexcept { return uses_; }
  void cancel(Operation& operation) noexcept;

  /// `call` on the socket calls of the back end from outside, if there is one, or of the kernel.
  template <class Call>
  auto on_sockets(Call call) {
    if (socket_calls_ != nullptr) return call(*socket_calls_);
    KernelSocketCalls kernel;
    return call(kernel);
  }
  void at_turn_end(TurnEnd& hook) noexcept { turn_ends_.push_back(hook); }
  std::shared_ptr<PostDoor> door() const noexcept { return door_; }

 private:
  class Running;

  void drive(const TaskContext* until);
  void run_turn_ends() noexcept;
  void look() noexcept;                               // at I/O and timers, without waiting
  bool spin() noexcept;                               // looks for a while: is there work?
  void wait(Nanoseconds limit = Nanoseconds::max());  // for I/O, timers or posts
  void sleep(Nanoseconds limit);
  void cancel_round();
  void end_operations() noexcept;

  static constinit thread_local Loop* current_;

  TimerHeap timers_;
  IntrusiveList<TurnEnd> turn_ends_;
  std::size_t external_work_ = 0;
  std::size_t unattended_ = 0;
  TimePoint virtual_now_{};
  std::shared_ptr<PostDoor> door_;
  std::unique_ptr<Backend> backend_;
  Capabilities uses_;
  SocketCalls* socket_calls_ = nullptr;  // Of a back end from outside.
  Operation wake_;                       // Polls the door's eventfd.
  bool closing_ = false;
  bool closed_ = false;
};

inline constinit thread_local Loop* Loop::current_ = nullptr;

/// The loop of a task.
inline Loop& loop_of(const TaskContext& context) noexcept {
  return static_cast<Loop&>(context.scheduler());
}

}  // namespace brigade
