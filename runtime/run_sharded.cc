#include "brigade/runtime/run_sharded.h"

#include <atomic>
#include <deque>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "brigade/runtime/run.h"

namespace brigade {
namespace {

// By reference: one function for all shards, which outlives them.
Task<void> call(const ShardFunction& function, Shard shard) { co_await function(shard); }

class Shards {
 public:
  Shards(std::size_t count, ShardFunction function, const LoopOptions& options);

  void run();

 private:
  // The loops are written to all the time: no two of them in one cache line.
  struct alignas(64) Member {
    explicit Member(const LoopOptions& options);

    Loop loop;
    std::optional<TaskRef> main;  // Touched on the loop's thread only.
    std::unique_ptr<PostDoor::Posted> cancel;
    std::unique_ptr<PostDoor::Posted> stop;
  };

  void drive(std::size_t index) noexcept;
  void failed(std::exception_ptr error) noexcept;
  void cancel_all() noexcept;
  void throw_outcome();

  const ShardFunction function_;
  std::deque<Member> members_;
  std::vector<Loop*> loops_;
  std::atomic<std::size_t> running_;  // Tasks of shards that have not ended.
  std::atomic<bool> cancelling_ = false;
  std::atomic<bool> cancelled_ = false;  // The task of a shard has ended by Cancelled.
  bool interrupted_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;  // The first one; guarded.
};

Shards::Member::Member(const LoopOptions& options)
    : loop(options),
      cancel(new PostDoor::Posted{[this] {
        if (main) main->cancel();
      }}),
      stop(new PostDoor::Posted{[this] { loop.stop(); }}) {}

Shards::Shards(std::size_t count, ShardFunction function, const LoopOptions& options)
    : function_(std::move(function)), running_(count) {
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(&members_.emplace_back(options).loop);
}

void Shards::run() {
  std::promise<bool> start;
  const std::shared_future<bool> started = start.get_future().share();
  std::vector<std::jthread> threads;
  try {
    for (std::size_t i = 1; i < members_.size(); ++i)
      threads.emplace_back([this, i, started] {
        if (!started.get()) return;
        drive(i);
        members_[i].loop.close();
      });
  } catch (...) {
    start.set_value(false);
    throw;
  }
  start.set_value(true);
  {
    const Interrupt interrupt(members_[0].loop, [this] {
      interrupted_ = true;
      cancel_all();
    });
    drive(0);
  }
  members_[0].loop.close();
  threads.clear();  // They are joined.
  throw_outcome();
}

// On the shard's thread, until the tasks of all shards have ended.
void Shards::drive(std::size_t index) noexcept {
  Member& member = members_[index];
  const Loop::ExternalWork posts(member.loop);
  try {
    const TaskHandle<void> main =
        member.loop.spawn(call(function_, Shard{index, loops_}), "shard " + std::to_string(index));
    member.main.emplace(main);
    member.loop.run_until_complete(main);
  } catch (...) {
    failed(std::current_exception());
  }
  if (--running_ == 0)
    for (Member& other : members_) other.loop.door()->post(std::move(other.stop));
  try {
    member.loop.run_forever();
  } catch (...) {  // No back end can start.
    failed(std::current_exception());
  }
  member.main.reset();
}

void Shards::failed(std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    cancelled_ = true;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  cancel_all();
}

void Shards::cancel_all() noexcept {
  if (cancelling_.exchange(true)) return;
  for (Member& member : members_) member.loop.door()->post(std::move(member.cancel));
}

// When all threads have ended.
void Shards::throw_outcome() {
  if (error_) std::rethrow_exception(error_);
  if (!cancelled_) return;
  if (interrupted_) Interrupt::end_process();
  throw Cancelled();
}

}  // namespace

void run_sharded(std::size_t count, ShardFunction function, LoopOptions options) {
  if (count == 0) throw std::invalid_argument("run_sharded() of no shards");
  if (options.clock == ClockKind::kVirtual)
    throw std::invalid_argument("run_sharded() on the virtual clock");
  Shards(count, std::move(function), options).run();
}

}  // namespace brigade
