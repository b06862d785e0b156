#include "brigade/sync/wait_queue.h"

#include <stdexcept>
#include <string_view>

namespace brigade {

std::string Label::title() const {
  const std::string_view type(type_);
  std::string text(type.substr(type.find(' ') + 1));
  if (!name_.empty()) text += " \"" + name_ + "\"";
  return text;
}

std::string Label::print(const std::string& state, std::size_t waiting) const {
  std::string text = "<" + title();
  if (!state.empty()) text += " " + state;
  if (waiting > 0) text += ", " + std::to_string(waiting) + " waiting";
  return text + ">";
}

void WaitQueue::abandon() noexcept {
  while (!empty()) {
    Member& member = pop_front();
    member.destroyed_ = label_.type();
    member.wake();
  }
}

void WaitQueue::Member::throw_destroyed(const char* type) {
  throw std::logic_error(std::string(type) + " was destroyed while waited for");
}

void WaitQueue::Member::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<Member&>(waiter);
  self.queue_->remove(self);
  self.wake_cancelled();
}

std::string WaitQueue::Member::describe(const Waiter& waiter) {
  const WaitQueue& queue = *static_cast<const Member&>(waiter).queue_;
  return queue.label_.reason() + queue.purpose_;
}

}  // namespace brigade
