#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "brigade/runtime/platform.h"

namespace brigade {

/// The door through which other threads hand functions to a loop: a lock-free list, and an eventfd
/// that is written only when the loop sleeps.
///
/// Errors:     post() throws std::bad_alloc.
/// Complexity: post() O(1), one system call if the loop sleeps.
/// Threads:    post() from any; the rest on the loop's.
/// Lifetime:   shared; what is posted after the loop has closed is destroyed at once.
class alignas(64) PostDoor {  // A cache line that no other loop writes to for its own ends.
 public:
  PostDoor();
  ~PostDoor();
  PostDoor(const PostDoor&) = delete;
  PostDoor& operator=(const PostDoor&) = delete;

  /// A function on its way.
  struct Posted {
    std::function<void()> function;
    Posted* next = nullptr;
  };

  /// Posted functions run on the loop's thread, in the order each thread posted them. They must
  /// not throw. The second form cannot fail.
  void post(std::function<void()> function);
  void post(std::unique_ptr<Posted> owned) noexcept;

  bool any_posted() const noexcept { return newest_.load(std::memory_order_relaxed) != nullptr; }

  /// Runs what was posted up to now.
  void run_posted() noexcept;

  /// Destroys what is posted and has not run, and all that will be posted.
  void close() noexcept;

  /// Called before the loop sleeps: false if something is posted and it must not.
  bool prepare_sleep() noexcept;

  /// Called when it has woken.
  void end_sleep() noexcept { sleeping_.store(false, std::memory_order_relaxed); }

  /// Becomes readable when post() wakes a sleeping loop.
  int wake_fd() const noexcept { return event_; }
  void clear_wake() noexcept;

 private:
  Posted* take_all() noexcept;  // oldest first

  Posted closed_;  // What newest_ points to when the door is closed.
  std::atomic<Posted*> newest_{nullptr};
  std::atomic<bool> sleeping_{false};
  const int event_;  // Not a UniqueFd: the last owner may be another thread.
};

}  // namespace brigade
