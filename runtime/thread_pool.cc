#include "brigade/runtime/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <thread>
#include <utility>

namespace brigade {
namespace {

constexpr std::chrono::seconds kIdleLimit(10);
constexpr std::chrono::seconds kExitLimit(5);

// Lets what runs at the end of the program finish while its static objects live.
class AtExit {
 public:
  explicit AtExit(ThreadPool& pool) noexcept : pool_(pool) {}
  ~AtExit() { pool_.wait_until_idle(kExitLimit); }
  AtExit(const AtExit&) = delete;
  AtExit& operator=(const AtExit&) = delete;

 private:
  ThreadPool& pool_;
};

}  // namespace

ThreadPool& ThreadPool::common() {
  alignas(ThreadPool) static std::byte memory[sizeof(ThreadPool)];
  static ThreadPool& pool =
      *new (memory) ThreadPool(std::min(32U, std::thread::hardware_concurrency() + 4));
  static const AtExit at_exit(pool);
  return pool;
}

int ThreadPool::submit(const std::shared_ptr<Job>& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (queued_ >= idle_ && threads_ < max_threads_) {
    const int error = start_thread();
    if (error != 0 && threads_ == 0) return error;
  }
  job->queued_ = job;
  jobs_.push_back(*job);
  ++queued_;
  work_came_.notify_one();
  return 0;
}

void ThreadPool::drop(Job& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (!job.linked()) return;
  job.unlink();
  --queued_;
  job.queued_ = nullptr;  // Who calls us holds another one.
}

void ThreadPool::wait_until_idle(Nanoseconds limit) noexcept {
  std::unique_lock lock(mutex_);
  thread_idles_.wait_for(lock, limit, [this] { return threads_ == idle_; });
}

// Not a std::thread: that takes memory, and its failure is an exception.
int ThreadPool::start_thread() noexcept {
  pthread_t thread;
  const auto entry = [](void* pool) -> void* {
    static_cast<ThreadPool*>(pool)->work();
    return nullptr;
  };
  const int error = ::pthread_create(&thread, nullptr, entry, this);
  if (error != 0) return error;
  ::pthread_detach(thread);
  ++threads_;
  return 0;
}

void ThreadPool::work() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    thread_idles_.notify_all();
    const bool found = work_came_.wait_for(lock, kIdleLimit, [this] { return !jobs_.empty(); });
    --idle_;
    if (!found) break;
    Job& first = jobs_.pop_front();
    --queued_;
    std::shared_ptr<Job> job = std::move(first.queued_);
    lock.unlock();
    job->run();
    job.reset();
    lock.lock();
  }
  --threads_;
  thread_idles_.notify_all();
}

}  // namespace brigade
