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

// So much is sent by write() itself if nothing waits before it: a system call costs less than a
// copy.
constexpr std::size_t kLongWrite = 8192;

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
    : ConnectionReceive(&receive_completed),
      ConnectionSend(&send_completed),
      TurnEnd(&turn_ends),
      Timer(&close_limit_passed),
      socket_(std::move(socket)) {
  loop().prepare_io();
  loop().attach(socket_.get());
  if (loop().uses().multishot_receive) receive_size_ = 0;
  const SocketAddress peer = socket_.peer_address();
  if (peer.family() == AF_INET || peer.family() == AF_INET6)
    std::memcpy(&peer_, peer.data(), peer.size());
}

SocketAddress Connection::peer() const noexcept {
  const socklen_t size = peer_.sin6_family == AF_INET ? sizeof(sockaddr_in) : sizeof peer_;
  if (peer_.sin6_family == 0) return socket_.peer_address();
  return SocketAddress(reinterpret_cast<const sockaddr*>(&peer_), size);
}

// Writing.

void Connection::write(std::string_view bytes) {
  if (eof_written_ || state_ != State::kOpen)
    throw std::logic_error("write() after close() or write_eof()");
  if (write_error_ != 0) return;  // drain() and wait_closed() tell.
  if (bytes.size() >= kLongWrite && unsent() == 0) {
    output_.reserve(bytes.size());  // For the rest, before a part is sent: it must not be torn.
    bytes.remove_prefix(send_now(bytes));
    if (write_error_ != 0 || bytes.empty()) return;
  }
  output_.append(bytes);
  if (!turn_end().linked()) loop().at_turn_end(*this);
}

void Connection::turn_ends(TurnEnd& hook) noexcept {
  static_cast<Connection&>(hook).send_at_turn_end();
}

// On io_uring with what else the turn has brought, in one system call.
void Connection::send_at_turn_end() noexcept {
  if (loop().uses().backend != BackendKind::kIoUring || the_send().in_flight() || output_.empty())
    return flush();
  std::swap(output_, sending_);
  send(Request::kTellLater);  // Who waits for what was written has flushed it.
}

void Connection::drain() noexcept {
  if (unsent() > kHighWater) flush();
}

void Connection::flush() noexcept {
  turn_end().unlink();
  if (the_send().in_flight()) return update_pause();
  output_.consume(send_now(output_.view()));
  if (output_.empty()) return written();
  std::swap(output_, sending_);
  send(0);
}

// What the socket takes at once, in bytes.
std::size_t Connection::send_now(std::string_view bytes) noexcept {
  if (bytes.empty()) return 0;
  const ssize_t count = socket_.send(bytes);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (count != -EAGAIN && count != -EINTR && count != -ENOBUFS)
    fail_write(static_cast<int>(-count));
  return 0;
}

void Connection::send_completed(Operation& operation, int result, bool) noexcept {
  auto& self = static_cast<Connection&>(static_cast<ConnectionSend&>(operation));
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
  if (sending_.empty()) {
    sending_.settle();
    if (output_.empty())
      written();
    else
      flush();
  } else {
    send(0);
  }
  if (result > 0 && state_ == State::kClosing && the_send().in_flight()) limit_close();
}

// Hands sending_ to the kernel.
void Connection::send(unsigned flags) noexcept {
  add_reference();
  loop().submit(the_send(),
                Request{Request::Kind::kSend, socket_.get(),
                        const_cast<char*>(sending_.view().data()), sending_.size(), flags});
  update_pause();
}

void Connection::update_pause() noexcept {
  if (unsent() > kHighWater) write_paused_ = true;
  if (!write_paused_ || unsent() > kLowWater) return;
  write_paused_ = false;
  wake_all(drainers_);
}

void Connection::written() noexcept {
  output_.settle();
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

void Connection::throw_error(const char* what, int error) const {
  throw_errno(-error, what + peer().to_string());
}

// Closing.

void Connection::close() noexcept {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  note_attention();
  add_reference();
  end_of_input_ = true;
  notify_reader();
  flush();
  if (state_ == State::kClosing && the_send().in_flight()) limit_close();
}

// From now on the peer has so long to take something more.
void Connection::limit_close() noexcept {
  loop().disarm(*this);
  try {
    loop().arm(*this, after(loop().now(), kCloseLimit));
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
  loop().cancel(the_send());
  advance_close();
  drop_reference();
}

void Connection::close_limit_passed(Timer& timer) noexcept {
  static_cast<Connection&>(timer).abort(ETIMEDOUT);
}

// Goes as far towards closed as the operations in flight allow; called whenever one has ended.
void Connection::advance_close() noexcept {
  if (state_ != State::kClosing || the_send().in_flight()) return;
  if (!output_.empty() && write_error_ == 0) return;
  add_reference();
  loop().cancel(the_receive());
  if (state_ == State::kClosing && !the_receive().in_flight() && !the_send().in_flight())
    finish_close();
  drop_reference();
}

void Connection::finish_close() noexcept {
  state_ = State::kClosed;
  turn_end().unlink();
  loop().disarm(*this);
  discard_input(socket_);
  socket_.reset();
  wake_all(close_waiters_);
  drop_reference();
}

void Connection::wake_all(IntrusiveList<Waiter>& waiters) noexcept {
  while (!waiters.empty()) waiters.pop_front().wake();
}

}  // namespace brigade
