#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "brigade/net/connection.h"

namespace brigade {

/// The stream ended before what was asked for had come. `partial` is what had.
class IncompleteReadError final : public std::runtime_error {
 public:
  IncompleteReadError(std::string_view received, std::optional<std::size_t> wanted);
  std::string partial;
  std::optional<std::size_t> expected;  ///< bytes; nothing for a separator
};

/// No separator within the reader's limit. `consumed` bytes hold none.
class LimitOverrunError final : public std::runtime_error {
 public:
  LimitOverrunError(std::size_t limit, std::size_t scanned);
  std::size_t consumed;
};

/// The reading end of a connection. Every read returns a view of the reader's own buffer, valid
/// until the next read or the reader's end: copy what must live longer.
///
/// - read(n): 1 to n bytes, as soon as there are any; empty at the end of the stream, or if n is 0.
/// - readexactly(n): n bytes; IncompleteReadError at an earlier end, with what had come.
/// - readuntil(separator): up to and including it; IncompleteReadError at an earlier end;
///   LimitOverrunError if the separator does not start within the limit, 64 KiB if set_limit()
///   does not say otherwise, and then the bytes stay.
/// - readline(): readuntil("\n"), but what is left at the end of the stream is a last line, and an
///   overlong line is dropped when LimitOverrunError is thrown, as asyncio does.
///
/// Errors:       std::system_error for a broken connection, again on every later read, so that a
///               reset never looks like an end; one that had no memory for what came is broken too
///               (ENOMEM); std::bad_alloc if the buffer cannot grow for what may come, which loses
///               no byte: read again; std::logic_error if two tasks read at once,
///               std::invalid_argument for an empty separator.
/// Cancellation: safe and at once; no byte is lost or doubled, the next read gets it.
/// Complexity:   O(bytes); no allocation once the buffer has grown to its use.
/// Threads:      loop-affine.
/// Lifetime:     must not outlive the loop; the connection stays until the writer closes it.
/// Example:      examples/pong.cc
class StreamReader {
 public:
  static constexpr std::size_t kDefaultLimit = 65536;

  explicit StreamReader(Connection& connection) noexcept : connection_(&connection) {}
  StreamReader(StreamReader&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)), limit_(other.limit_) {}
  StreamReader& operator=(StreamReader&& other) noexcept;
  ~StreamReader() {
    if (connection_ != nullptr) connection_->drop_reference();
  }

  class Read : public Connection::ReadWait {
   public:
    Read(Connection& connection, const Connection::Goal& goal, bool line = false) noexcept
        : ReadWait(connection, goal), line_(line) {}
    std::string_view await_resume();

   private:
    std::string_view take_separated();
    const bool line_;
  };

  [[nodiscard]] Read read(std::size_t max_bytes) noexcept;
  [[nodiscard]] Read readexactly(std::size_t bytes) noexcept;
  [[nodiscard]] Read readuntil(std::string_view separator);
  [[nodiscard]] Read readline() noexcept;

  /// How many bytes may come before the separator of readuntil() and readline(), from the next one
  /// on: as much memory a peer can use up.
  void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }

  /// The stream has ended and everything was read.
  bool at_eof() const noexcept {
    return connection_->end_of_input() && connection_->input().empty();
  }

 private:
  Connection* connection_;
  std::size_t limit_ = kDefaultLimit;
};

/// The writing end of a connection.
///
/// - write(bytes) never waits. It copies them into the buffer, which is sent at the end of the
///   loop's turn, together with what other tasks have written; what comes alone and is long is sent
///   at once, as far as the socket takes it.
/// - drain() returns at once while less than 64 KiB wait to be sent; above, it sends what the
///   socket takes now, and parks until the peer has taken all but 16 KiB.
/// - write_eof() ends our direction after what was written; reading goes on.
/// - close() sends what was written, in the background, then closes both directions; unread input
///   is dropped. If the peer takes nothing for 30 s, or there is no memory to wait for it, the
///   connection is reset. abort() resets at once. The destructor closes.
/// - wait_closed() parks until the descriptor is closed.
///
/// Errors:       after the connection broke write() drops its bytes, and drain() and wait_closed()
///               throw std::system_error; write() after close() or write_eof() is std::logic_error.
/// Cancellation: safe; a cancelled drain() or wait_closed() stops waiting, nothing written is lost.
/// Complexity:   O(bytes); no allocation once the buffers have grown to their use.
/// Threads:      loop-affine.
/// Lifetime:     must not outlive the loop.
/// Example:      examples/pong.cc
class StreamWriter {
 public:
  explicit StreamWriter(Connection& connection) noexcept : connection_(&connection) {}
  StreamWriter(StreamWriter&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  StreamWriter& operator=(StreamWriter&& other) noexcept;
  ~StreamWriter();

  void write(std::string_view bytes) { connection_->write(bytes); }
  void write_eof() noexcept { connection_->write_eof(); }
  void close() noexcept { connection_->close(); }
  void abort() noexcept { connection_->abort(); }
  bool is_closing() const noexcept { return !connection_->open(); }

  class Drain : public Waiter {
   public:
    explicit Drain(Connection& connection) noexcept : Waiter(kKind), connection_(connection) {}
    bool await_ready() noexcept;
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    void await_resume();

   private:
    bool settled() const noexcept { return !connection_.write_paused() || connection_.failed(); }
    static std::string describe(const Waiter& waiter);
    static constexpr Kind kKind{"its peer to read", &unlink_and_wake, &describe};
    Connection& connection_;
  };
  [[nodiscard]] Drain drain() noexcept { return Drain(*connection_); }

  class WaitClosed : public Waiter {
   public:
    explicit WaitClosed(Connection& connection) noexcept : Waiter(kKind), connection_(connection) {}
    bool await_ready() const noexcept { return connection_.closed(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept;
    void await_resume();

   private:
    static constexpr Kind kKind{"its connection to close", &unlink_and_wake};
    Connection& connection_;
  };
  [[nodiscard]] WaitClosed wait_closed() noexcept { return WaitClosed(*connection_); }

  SocketAddress local_address() const noexcept { return connection_->local(); }

  /// Empty if the peer had gone before it was asked for: that is no error.
  SocketAddress peer_address() const noexcept { return connection_->peer(); }

 private:
  Connection* connection_;
};

/// Both ends of a connected stream socket, TCP or Unix, in blocking mode (the kernel waits for us).
std::pair<StreamReader, StreamWriter> open_streams(Socket socket);

}  // namespace brigade
