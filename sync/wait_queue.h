#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "brigade/runtime/loop.h"

namespace brigade {

/// What a primitive is called in reports and in print: its type and the name it was given, if any.
class Label {
 public:
  /// `type` is a literal and has an article: "a Lock".
  Label(const char* type, std::string name) noexcept : type_(type), name_(std::move(name)) {}

  const char* type() const noexcept { return type_; }

  /// For what a task waits: `Lock "soda"`, or `a Lock` without a name.
  std::string reason() const { return name_.empty() ? type_ : title(); }

  /// `<Lock "soda" locked, 2 waiting>`; the name and the last part only where there are any.
  std::string print(const std::string& state, std::size_t waiting) const;

 private:
  std::string title() const;

  const char* type_;
  std::string name_;
};

/// The tasks that wait for a primitive, the oldest first. What all primitives are made of.
///
/// Errors:       those who still wait when it is abandoned or destroyed get std::logic_error.
/// Cancellation: a cancelled Member leaves it, with Member::cancel as its Kind::cancel.
/// Complexity:   every member O(1) but abandon(); no allocation.
/// Threads:      loop-affine.
/// Lifetime:     the label must outlive it.
class WaitQueue {
 public:
  /// A waiter that may stand in a WaitQueue: the base of the awaiters of primitives.
  class Member : public Waiter {
   protected:
    using Waiter::Waiter;

    /// What await_resume() begins with.
    void throw_unless_granted() {
      throw_if_cancelled();
      if (destroyed_ != nullptr) [[unlikely]]
        throw_destroyed(destroyed_);
    }
    [[noreturn]] static void throw_destroyed(const char* type);

    static void cancel(Waiter& waiter) noexcept;
    static std::string describe(const Waiter& waiter);

    WaitQueue* queue() const noexcept { return queue_; }
    bool abandoned() const noexcept { return destroyed_ != nullptr; }

   private:
    friend class WaitQueue;
    WaitQueue* queue_ = nullptr;       // The last one it stood in.
    const char* destroyed_ = nullptr;  // The type of what was abandoned while it stood there.
  };

  /// `purpose` follows the label in the reason of a wait: " (get)".
  explicit WaitQueue(const Label& label, const char* purpose = "") noexcept
      : label_(label), purpose_(purpose) {}
  ~WaitQueue() { abandon(); }
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  Member& front() noexcept { return static_cast<Member&>(members_.front()); }
  void push_back(Member& member) noexcept {
    member.queue_ = this;
    members_.push_back(member);
    ++size_;
  }
  void remove(Member& member) noexcept {
    member.unlink();
    --size_;
  }
  Member& pop_front() noexcept {
    Member& member = front();
    remove(member);
    return member;
  }

  /// Wakes all, and throw_unless_granted() will throw.
  void abandon() noexcept;

 private:
  const Label& label_;
  const char* const purpose_;
  IntrusiveList<Waiter> members_;
  std::size_t size_ = 0;
};

}  // namespace brigade
