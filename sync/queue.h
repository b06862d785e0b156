#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "brigade/sync/queue_base.h"
#include "brigade/sync/ring_buffer.h"

namespace brigade {

/// Items on their way between tasks. put() waits while the queue is full, get() while it is empty,
/// both in FIFO order; close() ends it. `Items` decides which item is next: see Queue, and
/// PriorityQueue in priority_queue.h.
///
/// Errors:       put() throws QueueClosed after close(), and std::bad_alloc if there is no memory:
///               then it did not put. Waiting when the queue is destroyed throws std::logic_error.
///               The constructor throws std::invalid_argument for a capacity of 0.
/// Cancellation: safe; a cancelled get() took no item, a cancelled put() did not put, and its item
///               is destroyed. An item that was handed over before the cancel is delivered.
/// Complexity:   every member O(1), of a PriorityQueue O(log items), but close(), O(waiters). get()
///               and put() allocate only when there are more items than ever before.
/// Threads:      loop-affine.
/// Lifetime:     may be destroyed while tasks wait.
/// Example:      examples/queue.cc
template <class T, class Items>
class BasicQueue : public QueueBase {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "an item is handed over by a move, which must not throw: else queue a unique_ptr");

 public:
  class Put : public Putter {
   public:
    bool await_ready() { return within_budget() && offer(); }
    bool await_suspend(std::coroutine_handle<> coroutine) {
      if (queue_.has_room()) queue_.items_.make_room();  // May throw: before the task is parked.
      if (!park(coroutine)) return false;
      if (offer())
        wake();
      else
        queue_.putters_.push_back(*this);
      return true;
    }
    void await_resume() { throw_unless_put(); }

   private:
    friend class BasicQueue;
    Put(BasicQueue& queue, T&& item) noexcept : queue_(queue), item_(std::move(item)) {}

    bool offer() {  // True if there is nothing to wait for.
      closed_ = queue_.closed_;
      return closed_ || queue_.accept(item_);
    }

    BasicQueue& queue_;
    T item_;
  };

  class Get : public WaitQueue::Member {
   public:
    bool await_ready() noexcept { return within_budget() && take(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (!park(coroutine)) return false;
      if (take())
        wake();
      else
        queue_.getters_.push_back(*this);
      return true;
    }
    std::optional<T> await_resume() {
      throw_unless_granted();
      return std::move(item_);
    }

   private:
    friend class BasicQueue;
    explicit Get(BasicQueue& queue) noexcept : Member(kKind), queue_(queue) {}
    static constexpr
        typename WaitQueue::Member::Kind kKind{"a queue", &Get::cancel, &Get::describe};

    bool take() noexcept {  // True if there is nothing to wait for.
      if (queue_.empty()) return queue_.closed_;
      item_.emplace(queue_.take());
      return true;
    }

    BasicQueue& queue_;
    std::optional<T> item_;
  };

  /// `co_await queue.put(std::move(item));` A new aggregate that owns something is named first: as
  /// a temporary beside co_await, GCC 12 destroys it twice.
  [[nodiscard]] Put put(T item) noexcept { return Put(*this, std::move(item)); }

  /// `std::optional<Order> order = co_await queue.get();` Empty at the end: the queue is closed,
  /// and nothing is left.
  [[nodiscard]] Get get() noexcept { return Get(*this); }

  /// False if the queue is full; `item` is then left as it is, as when this throws.
  template <class U>
    requires std::constructible_from<T, U>
  bool try_put(U&& item) {
    if (closed_) throw QueueClosed();
    if (!has_room()) return false;
    if (getters_.empty()) items_.make_room();  // May throw: before the item is touched.
    T made(std::forward<U>(item));
    return accept(made);
  }

  /// Empty if there is no item now.
  std::optional<T> try_get() noexcept {
    if (empty()) return std::nullopt;
    return take();
  }

  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return size() == capacity_; }

  /// <Queue "orders" 10 of 10 items, 2 waiting>, <Queue 3 items, closed>
  std::string to_string() const { return print(size()); }

 protected:
  BasicQueue(const char* type, std::size_t capacity, std::string name)
      : QueueBase(type, capacity, std::move(name)) {}

 private:
  bool has_room() const noexcept { return size() < capacity_; }

  bool accept(T& item) {
    if (!getters_.empty()) {
      auto& getter = static_cast<Get&>(getters_.pop_front());
      getter.item_.emplace(std::move(item));
      getter.wake();
    } else if (has_room()) {
      items_.make_room();
      items_.push(std::move(item));
    } else {
      return false;
    }
    ++unfinished_;
    return true;
  }

  T take() noexcept {
    T item = items_.pop();
    if (!putters_.empty()) {
      auto& putter = static_cast<Put&>(putters_.pop_front());
      accept(putter.item_);
      putter.wake();
    }
    return item;
  }

  Items items_;
};

template <class T, class Items>
std::ostream& operator<<(std::ostream& out, const BasicQueue<T, Items>& queue) {
  return out << queue.to_string();
}

/// A BasicQueue whose items come out in the order they were put. Without a capacity it has no
/// bounds, and put() never waits.
template <class T>
class Queue : public BasicQueue<T, RingBuffer<T>> {
 public:
  Queue() : Queue(std::string()) {}
  explicit Queue(std::string name)
      : Queue(std::numeric_limits<std::size_t>::max(), std::move(name)) {}
  explicit Queue(std::size_t capacity, std::string name = {})
      : BasicQueue<T, RingBuffer<T>>("a Queue", capacity, std::move(name)) {}
};

}  // namespace brigade
