#pragma once

#include <utility>

#include "brigade/runtime/platform.h"

namespace brigade {

/// What an object derives from, `class Waiter : public ListNode<Waiter>`, to stand in one list at a
/// time without an allocation. It must be unlinked when it is destroyed.
template <class T>
class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  bool linked() const noexcept { return next_ != nullptr; }

  /// Leaves whichever list it stands in, if any. O(1).
  void unlink() noexcept {
    if (!linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class>
  friend class IntrusiveList;

  ListNode* previous_ = nullptr;
  ListNode* next_ = nullptr;
};

/// A FIFO of objects it does not own. Every member is O(1) and never fails.
template <class T>
class IntrusiveList {
 public:
  using Node = ListNode<T>;

  IntrusiveList() noexcept { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const noexcept { return head_.next_ == &head_; }
  T& front() noexcept { return static_cast<T&>(*head_.next_); }

  void push_back(T& object) noexcept {
    Node& node = object;
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }

  T& pop_front() noexcept {
    T& object = front();
    static_cast<Node&>(object).unlink();
    return object;
  }

  /// Moves all of `other` behind what is here.
  void append(IntrusiveList& other) noexcept {
    while (!other.empty()) push_back(other.pop_front());
  }

  /// Calls `visit` for each object in order; `visit` must not change the list.
  template <class Visit>
  void for_each(Visit visit) const {
    for (Node* node = head_.next_; node != &head_; node = node->next_)
      visit(static_cast<T&>(*node));
  }

 private:
  Node head_;
};

}  // namespace brigade
