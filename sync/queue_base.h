#pragma once

#include <coroutine>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "brigade/sync/wait_queue.h"

namespace brigade {

/// Something was put into a queue that is closed.
class QueueClosed final : public std::runtime_error {
 public:
  QueueClosed() : std::runtime_error("the queue is closed") {}
};

/// What does not depend on the items of a queue; see queue.h for the contract.
///
/// Invariant: someone waits to get only while there is no item, and to put only while there are
/// `capacity` of them, so nobody can overtake either queue.
class QueueBase {
 public:
  /// From now on put() throws QueueClosed, also for those who wait to put: their items are not in
  /// the queue. get() delivers what is left, and then the end, also to those who wait to get.
  /// Idempotent.
  void close() noexcept;
  bool closed() const noexcept { return closed_; }

  /// The most items at a time; the largest std::size_t for a queue without bounds.
  std::size_t capacity() const noexcept { return capacity_; }

  std::size_t getting() const noexcept { return getters_.size(); }  // that wait
  std::size_t putting() const noexcept { return putters_.size(); }  // likewise

  /// Says that the work on an item that was got is done. More often than items were put is a broken
  /// check.
  void task_done() noexcept;
  std::size_t unfinished() const noexcept { return unfinished_; }

  class Join : public WaitQueue::Member {
   public:
    bool await_ready() const noexcept { return queue_.unfinished_ == 0 && within_budget(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    void await_resume() { throw_unless_granted(); }

   private:
    friend class QueueBase;
    explicit Join(QueueBase& queue) noexcept : Member(kKind), queue_(queue) {}
    static constexpr Kind kKind{"a queue", &cancel, &describe};

    QueueBase& queue_;
  };

  /// `co_await queue.join();` parks until task_done() was called for every item that was put.
  [[nodiscard]] Join join() noexcept { return Join(*this); }

 protected:
  class Putter : public WaitQueue::Member {
   protected:
    Putter() noexcept : Member(kKind) {}
    void throw_unless_put();

    bool closed_ = false;  // It did not put.

   private:
    friend class QueueBase;
    static constexpr Kind kKind{"a queue", &cancel, &describe};
  };

  QueueBase(const char* type, std::size_t capacity, std::string name);
  ~QueueBase() = default;
  std::string print(std::size_t size) const;

  const std::size_t capacity_;
  std::size_t unfinished_ = 0;  // Put, and not done.
  bool closed_ = false;
  const Label label_;
  WaitQueue getters_{label_, " (get)"};
  WaitQueue putters_{label_, " (put)"};
  WaitQueue joiners_{label_, " (join)"};
};

}  // namespace brigade
