#include "brigade/net/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace brigade {
namespace {

// A receive asks for this much, doubled while it is filled, so that idle connections stay small and
// busy ones need few operations.
constexpr std::size_t kMinReceive = 4096;
constexpr std::size_t kMaxReceive = 65536;

// asyncio's marks: drain() waits above the high one until the low one is reached.
constexpr std::size_t kHighWater = 65536;
constexpr std::size_t kLowWater = kHighWater / 4;

// A closing connection whose peer does not read is reset after this.
constexpr std::chrono::seconds kCloseLimit(30);

// Unread input that close() discards, so that the kernel sends FIN and not RST.
constexpr std::size_t kMaxDiscarded = 1 << 20;

void discard_input(const Socket& socket) noexcept {
  std::array<char, 4096> scratch;
  for (std::size_t discarded = 0; discarded < kMaxDiscarded;) {
    const ssize_t count = socket.receive(scratch.data(), scratch.size());
    if (count <= 0) return;
    discarded += static_cast<std::size_t>(count);
  }
}

}  // namespace

Connection::Connection(Socket socket)
    : loop_(*socket.loop()),
      socket_(std::move(socket)),
      receive_size_(kMinReceive),
      receive_(*this),
      send_(*this),
      flush_(*this),
      close_limit_(*this) {
  loop_.prepare_io();
  loop_.attach(socket_.get());
  const SocketAddress peer = socket_.peer_address();
  if (peer.family() == AF_INET || peer.family() == AF_INET6)
    std::memcpy(&peer_, peer.data(), peer.size());
}

SocketAddress Connection::peer() const noexcept {
  const socklen_t size = peer_.sin6_family == AF_INET ? sizeof(sockaddr_in) : sizeof peer_;
  if (peer_.sin6_family == 0) return socket_.peer_address();
  return SocketAddress(reinterpret_cast<const sockaddr*>(&peer_), size);
}

// Reading.

// For reader_, the read that waits.
void Connection::receive() noexcept {
  if (receive_.in_flight()) return;
  try {
    input_.reserve(receive_size_);
  } catch (const std::bad_alloc&) {
    reader_->out_of_memory_ = true;
    return notify_reader();
  }
  add_reference();
  loop_.submit(receive_, Request{Request::Kind::kReceive, socket_.get(), input_.room(),
                                 input_.room_size(), 0});
}

void Connection::Receive::completed(Operation& operation, int result, bool) noexcept {
  Connection& self = static_cast<Receive&>(operation).connection;
  self.received(result);
  self.drop_reference();
}

void Connection::received(int result) noexcept {
  if (state_ != State::kOpen) return advance_close();
  if (result > 0) {
    const auto count = static_cast<std::size_t>(result);
    if (count == input_.room_size()) receive_size_ = std::min(receive_size_ * 2, kMaxReceive);
    input_.commit(count);
  } else if (result == 0 && write_error_ == ECONNRESET) {
    read_error_ = ECONNRESET;  // The kernel tells it once, and a send was told.
  } else if (result == 0) {
    end_of_input_ = true;
  } else if (result != -EINTR && result != -EAGAIN) {
    read_error_ = -result;
  }
  if (reader_ == nullptr || reader_->granted_) return;
  if (reader_->satisfied())
    notify_reader();
  else
    receive();
}

void Connection::notify_reader() noexcept {
  if (reader_ == nullptr || std::exchange(reader_->granted_, true)) return;
  reader_->wake();
}

void Connection::throw_read_error() const {
  if (read_error_ != 0) throw_errno(-read_error_, "read from " + peer().to_string());
}

// Writing.

void Connection::write(std::string_view bytes) {
  if (eof_written_ || state_ != State::kOpen)
    throw std::logic_error("write() after close() or write_eof()");
  if (write_error_ != 0) return;  // drain() and wait_closed() tell.
  output_.append(bytes);
  if (!flush_.linked()) loop_.at_turn_end(flush_);
}

void Connection::Flush::run(TurnEnd& hook) noexcept {
  static_cast<Flush&>(hook).connection.flush();
}

void Connection::flush() noexcept {
  flush_.unlink();
  if (send_.in_flight()) return update_pause();
  if (send_some() == 0) return written();
  std::swap(output_, sending_);
  send();
}

std::size_t Connection::send_some() noexcept {
  if (output_.empty()) return 0;
  const ssize_t count = socket_.send(output_.view());
  if (count >= 0)
    output_.consume(static_cast<std::size_t>(count));
  else if (count != -EAGAIN && count != -EINTR && count != -ENOBUFS)
    fail_write(static_cast<int>(-count));
  return output_.size();
}

void Connection::Send::completed(Operation& operation, int result, bool) noexcept {
  Connection& self = static_cast<Send&>(operation).connection;
  self.sent(result);
  self.drop_reference();
}

void Connection::sent(int result) noexcept {
  if (write_error_ != 0) {
    sending_.clear();  // Kept until now because the kernel owned it.
    return advance_close();
  }
  if (result < 0 && result != -EINTR && result != -EAGAIN) {
    sending_.clear();
    fail_write(-result);
    return advance_close();
  }
  sending_.consume(static_cast<std::size_t>(std::max(result, 0)));
  if (sending_.empty())
    flush();
  else
    send();
  if (result > 0 && state_ == State::kClosing && send_.in_flight()) limit_close();
}

// Hands sending_ to the kernel.
void Connection::send() noexcept {
  add_reference();
  loop_.submit(send_, Request{Request::Kind::kSend, socket_.get(),
                              const_cast<char*>(sending_.view().data()), sending_.size(), 0});
  written();
}

void Connection::update_pause() noexcept {
  if (unsent() > kHighWater) write_paused_ = true;
  if (!write_paused_ || unsent() > kLowWater) return;
  write_paused_ = false;
  wake_all(drainers_);
}

void Connection::written() noexcept {
  update_pause();
  if (unsent() == 0 && eof_written_ && !std::exchange(eof_sent_, true)) socket_.shutdown(SHUT_WR);
  advance_close();
}

void Connection::fail_write(int error) noexcept {
  write_error_ = error;
  output_.clear();
  write_paused_ = false;
  wake_all(drainers_);
}

void Connection::write_eof() noexcept {
  if (eof_written_ || state_ != State::kOpen) return;
  eof_written_ = true;
  flush();
}

void Connection::throw_write_error() const {
  if (write_error_ != 0) throw_errno(-write_error_, "write to " + peer().to_string());
}

// Closing.

void Connection::close() noexcept {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  add_reference();
  end_of_input_ = true;
  notify_reader();
  flush();
  if (state_ == State::kClosing && send_.in_flight()) limit_close();
}

// From now on the peer has so long to take something more.
void Connection::limit_close() noexcept {
  loop_.disarm(close_limit_);
  try {
    loop_.arm(close_limit_, after(loop_.now(), kCloseLimit));
  } catch (const std::bad_alloc&) {
    abort(ENOMEM);
  }
}

void Connection::abort(int error) noexcept {
  if (state_ == State::kClosed) return;
  add_reference();
  const linger reset{1, 0};  // close(2) sends RST and forgets what was not acknowledged.
  socket_.set_option(SOL_SOCKET, SO_LINGER, reset);
  if (write_error_ == 0) fail_write(error);
  close();
  loop_.cancel(send_);
  advance_close();
  drop_reference();
}

void Connection::CloseLimit::fire(Timer& timer) noexcept {
  static_cast<CloseLimit&>(timer).connection.abort(ETIMEDOUT);
}

// Goes as far towards closed as the operations in flight allow; called whenever one has ended.
void Connection::advance_close() noexcept {
  if (state_ != State::kClosing || send_.in_flight()) return;
  if (!output_.empty() && write_error_ == 0) return;
  add_reference();
  loop_.cancel(receive_);
  if (state_ == State::kClosing && !receive_.in_flight() && !send_.in_flight()) finish_close();
  drop_reference();
}

void Connection::finish_close() noexcept {
  state_ = State::kClosed;
  flush_.unlink();
  loop_.disarm(close_limit_);
  discard_input(socket_);
  socket_.reset();
  wake_all(close_waiters_);
  drop_reference();
}

void Connection::wake_all(IntrusiveList<Waiter>& waiters) noexcept {
  while (!waiters.empty()) waiters.pop_front().wake();
}

}  // namespace brigade
