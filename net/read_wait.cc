// What a read waits for, and whether what is there settles it.
#include <new>
#include <stdexcept>
#include <string>

#include "brigade/net/connection.h"

namespace brigade {

bool Connection::ReadWait::await_suspend(std::coroutine_handle<> coroutine) {
  if (connection_.reader_ != nullptr)
    throw std::logic_error("two tasks read from one stream at the same time");
  if (!park(coroutine)) return false;
  connection_.reader_ = this;
  if (satisfied())
    connection_.notify_reader();
  else
    connection_.receive();
  return true;
}

std::string Connection::ReadWait::describe(const Waiter& waiter) {
  return "read fd " + std::to_string(static_cast<const ReadWait&>(waiter).connection_.fd());
}

void Connection::ReadWait::end_wait() {
  if (connection_.reader_ == this) connection_.reader_ = nullptr;
  throw_if_cancelled();
  if (out_of_memory_) throw std::bad_alloc();
}

bool Connection::ReadWait::satisfied() noexcept {
  if (connection_.read_error_ != 0 || connection_.end_of_input_) {
    separator_settled();
    return true;
  }
  switch (goal_.kind) {
    case Goal::Kind::kSome:
      return goal_.count == 0 || !connection_.input_.empty();
    case Goal::Kind::kExactly:
      return connection_.input_.size() >= goal_.count;
    case Goal::Kind::kUntil:
      return separator_settled();
  }
  return true;
}

// As asyncio: the separator may start anywhere up to the limit, counted from the first byte.
bool Connection::ReadWait::separator_settled() noexcept {
  const std::string_view bytes = connection_.input();
  const std::size_t length = goal_.separator.size();
  if (goal_.kind != Goal::Kind::kUntil || bytes.size() < goal_.scanned + length) return false;
  goal_.found = bytes.find(goal_.separator, goal_.scanned);
  if (goal_.found != bytes.npos) return true;
  goal_.scanned = bytes.size() + 1 - length;
  return goal_.scanned > goal_.limit;
}

void Connection::ReadWait::cancel(Waiter& waiter) noexcept {
  auto& self = static_cast<ReadWait&>(waiter);
  self.connection_.reader_ = nullptr;  // What is being received waits for the next read.
  self.connection_.note_attention();
  self.wake_cancelled();
}

}  // namespace brigade
