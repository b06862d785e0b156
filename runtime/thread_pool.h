#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include "brigade/runtime/clock.h"
#include "brigade/runtime/intrusive_list.h"

namespace brigade {

/// Threads for what would block a loop: started when there is work for them, up to a bound; what
/// comes then waits its turn, first come first served. An idle thread ends after 10 s.
///
/// Errors:     submit() tells when not even one thread can be started.
/// Complexity: every member O(1), without an allocation of its own but for the threads.
/// Threads:    any.
/// Lifetime:   never destroyed, as its threads may outlive main().
class ThreadPool {
 public:
  /// Something to do. In at most one pool, once.
  class Job : public ListNode<Job> {
   public:
    Job() noexcept = default;
    virtual ~Job() = default;
    virtual void run() noexcept = 0;

   private:
    friend class ThreadPool;
    std::shared_ptr<Job> queued_;  // Keeps itself while it stands in the queue.
  };

  explicit ThreadPool(std::size_t max_threads) noexcept : max_threads_(max_threads) {}
  ~ThreadPool() = delete;

  /// The pool of to_thread(): as many threads as asyncio's, min(32, processors + 4).
  static ThreadPool& common();

  /// Queues a job. 0, or the errno of the thread that could not be started: then it is not queued.
  int submit(const std::shared_ptr<Job>& job) noexcept;

  /// Takes a job out of the queue if it has not begun.
  void drop(Job& job) noexcept;

  /// Blocks until no thread runs a job, or the time is up.
  void wait_until_idle(Nanoseconds limit) noexcept;

 private:
  void work() noexcept;
  int start_thread() noexcept;

  const std::size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable work_came_;
  std::condition_variable thread_idles_;
  IntrusiveList<Job> jobs_;
  std::size_t queued_ = 0;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

}  // namespace brigade
