// The reading half of a connection: receives, and what a read waits for.
#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "brigade/net/connection.h"

namespace brigade {
namespace {

// Where the ring has buffers to share, a connection whose pieces are at most this long waits for
// them by a multishot receive, and has no buffer while it waits.
constexpr std::size_t kMaxShared = 2048;

// A buffer of its own is doubled while it is filled, and never takes more than is asked for. After
// so many short pieces the shared ones do again.
constexpr std::uint32_t kMaxReceive = 65536;
constexpr int kSmallReceives = 8;

}  // namespace

std::string_view Connection::consume(std::size_t count) noexcept {
  const std::string_view bytes = input_.view().substr(0, count);
  input_.consume(bytes.size());
  lent_ = true;
  return bytes;
}

// For reader_, the read that waits.
void Connection::receive() noexcept {
  if (multishot_ || !the_receive().in_flight()) input_.settle();
  if (the_receive().in_flight()) return note_attention();
  multishot_ = receive_size_ == 0;
  Request request{Request::Kind::kReceiveMultishot, socket_.get()};
  if (!multishot_) {
    try {
      input_.reserve(receive_size_);
    } catch (const std::bad_alloc&) {
      reader_->out_of_memory_ = true;
      return notify_reader();
    }
    request = {Request::Kind::kReceive, socket_.get(), input_.room(), input_.room_size()};
  }
  add_reference();
  loop().submit(the_receive(), request);
}

// So that tasks which wait for each other are a deadlock beside a connection that nobody reads.
void Connection::note_attention() noexcept {
  const bool read = reader_ != nullptr && !reader_->granted_;
  const bool unattended =
      multishot_ && the_receive().in_flight() && state_ == State::kOpen && !read;
  if (unattended == unattended_) return;
  unattended_ = unattended;
  loop().change_unattended(unattended ? 1 : -1);
}

void Connection::receive_completed(Operation& operation, int result, bool more) noexcept {
  auto& self = static_cast<Connection&>(static_cast<ConnectionReceive&>(operation));
  self.received(result);
  if (more) return;
  self.note_attention();
  self.drop_reference();
}

void Connection::received(int result) noexcept {
  if (state_ != State::kOpen) return advance_close();
  if (result > 0) {
    take(static_cast<std::size_t>(result));
  } else if (result == 0 && write_error_ == ECONNRESET) {
    read_error_ = ECONNRESET;  // The kernel tells it once, and a send was told.
  } else if (result == 0) {
    end_of_input_ = true;
  } else if (multishot_ && result == -ENOBUFS) {
    receive_size_ = kMinReceive;
  } else if (result != -EINTR && result != -EAGAIN && !(changing() && result == -ECANCELED)) {
    read_error_ = -result;
  }
  if (reader_ == nullptr || reader_->granted_) return;
  if (reader_->satisfied())
    notify_reader();
  else
    receive();
}

void Connection::take(std::size_t count) noexcept {
  if (!multishot_) {
    adapt(count);
    return input_.commit(count);
  }
  try {
    append({the_receive().received(), count});
  } catch (const std::bad_alloc&) {
    read_error_ = ENOMEM;  // The bytes are lost.
  }
  if (read_error_ == 0 && input_.size() <= kMaxShared) return;
  receive_size_ = kMinReceive;
  while (receive_size_ < kMaxReceive && receive_size_ <= count) receive_size_ *= 2;
  loop().cancel(the_receive());
}

// Where what the last read returned stays as it is.
void Connection::append(std::string_view piece) {
  if (!lent_) return input_.append(piece);
  if (piece.size() > input_.room_size()) {
    ByteBuffer longer;
    longer.reserve(input_.size() + piece.size());
    longer.append(input_.view());
    if (kept_.capacity() == 0) kept_ = std::move(input_);
    input_ = std::move(longer);
  }
  input_.append_in_place(piece);
}

// The next receive to what this one brought.
void Connection::adapt(std::size_t count) noexcept {
  if (count == input_.room_size()) receive_size_ = std::min(receive_size_ * 2, kMaxReceive);
  small_receives_ = count <= kMaxShared ? small_receives_ + 1 : 0;
  if (small_receives_ < kSmallReceives || !loop().uses().multishot_receive) return;
  small_receives_ = 0;
  receive_size_ = 0;
}

void Connection::notify_reader() noexcept {
  if (reader_ == nullptr || std::exchange(reader_->granted_, true)) return;
  reader_->wake();
  note_attention();
}

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
