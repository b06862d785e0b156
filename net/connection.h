#pragma once

#include <netinet/in.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "brigade/net/address.h"
#include "brigade/net/byte_buffer.h"
#include "brigade/net/socket.h"
#include "brigade/runtime/loop.h"

namespace brigade {

/// What the kernel holds of a connection: two bases of one type, told apart.
struct ConnectionReceive : Operation {
  using Operation::Operation;
};
struct ConnectionSend : Operation {
  using Operation::Operation;
};

/// A connected socket, shared by its StreamReader and StreamWriter: it owns the descriptor, the
/// buffers and the at most one receive and one send that the kernel holds. Tasks only wait at it,
/// so that a cancelled read or drain loses no byte: the operation goes on and serves the next one.
///
/// Life: open; closing, while what was written goes out; closed, when the kernel has given back
/// both operations and the descriptor is closed.
///
/// The operations, the hook of the turn's end and the timer are bases: members would need a pointer
/// back each, and a connection is most of what an idle client costs.
///
/// Lifetime: counts its references: the reader, the writer, each operation in flight, and itself
/// while it closes.
class Connection : private ConnectionReceive,
                   private ConnectionSend,
                   private TurnEnd,
                   private Timer {
 public:
  /// What a read waits for.
  struct Goal {
    enum class Kind : std::uint8_t { kSome, kExactly, kUntil };
    Kind kind;
    std::size_t count = 0;            // kExactly: bytes wanted; kSome: at most
    std::string_view separator = {};  // kUntil
    std::size_t limit = 0;            // kUntil: bytes before the separator
    std::size_t scanned = 0;          // kUntil: no separator starts before
    std::size_t found = std::string_view::npos;
  };

  /// A wait for input, in the frame of the reading task.
  class ReadWait : public Waiter {
   public:
    ReadWait(Connection& connection, const Goal& goal) noexcept
        : Waiter(kKind), connection_(connection), goal_(goal) {}
    bool await_ready() noexcept {
      connection_.begin_read();
      return connection_.reader_ == nullptr && satisfied() && within_budget();
    }
    bool await_suspend(std::coroutine_handle<> coroutine);

   protected:
    /// Lets the next read in, then delivers the cancel or the lack of memory that ended this one.
    void end_wait();

    Connection& connection_;
    Goal goal_;

   private:
    friend class Connection;
    /// Whether what is there, or that no more can come, settles this read.
    bool satisfied() noexcept;
    bool separator_settled() noexcept;
    bool out_of_memory_ = false;  // Woken without its goal: the next read goes on from here.
    bool granted_ = false;        // Woken; the bytes are this read's, until it has resumed.
    static void cancel(Waiter& waiter) noexcept;
    static std::string describe(const Waiter& waiter);
    static constexpr Kind kKind{"bytes to read", &cancel, &describe};
  };

  explicit Connection(Socket socket);

  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ == 0) delete this;
  }

  // Reading.

  /// What came and was not read.
  std::string_view input() const noexcept { return input_.view(); }

  /// Takes the first bytes of it. They stay where they are until the next read begins.
  std::string_view consume(std::size_t count) noexcept;
  bool end_of_input() const noexcept { return end_of_input_; }
  bool failed() const noexcept { return read_error_ != 0 || write_error_ != 0; }
  void throw_read_error() const {
    if (read_error_ != 0) throw_error("read from ", read_error_);
  }

  // Writing.

  void write(std::string_view bytes);
  void flush() noexcept;  // sends what the socket takes at once, the rest as one operation
  void drain() noexcept;  // flushes if too much waits to be sent at the turn's end
  void write_eof() noexcept;
  bool write_paused() const noexcept { return write_paused_; }
  void throw_write_error() const {
    if (write_error_ != 0) throw_error("write to ", write_error_);
  }
  IntrusiveList<Waiter>& drainers() noexcept { return drainers_; }

  // Closing.

  void close() noexcept;
  void abort(int error = ECONNABORTED) noexcept;
  bool aborted() const noexcept { return write_error_ == ECONNABORTED; }
  bool closed() const noexcept { return state_ == State::kClosed; }
  bool open() const noexcept { return state_ == State::kOpen; }
  IntrusiveList<Waiter>& close_waiters() noexcept { return close_waiters_; }

  int fd() const noexcept { return socket_.get(); }
  SocketAddress local() const noexcept { return socket_.local_address(); }

  /// Remembered for TCP, as the kernel forgets it when the connection breaks.
  SocketAddress peer() const noexcept;

 private:
  enum class State : std::uint8_t { kOpen, kClosing, kClosed };

  ~Connection() = default;

  [[noreturn]] void throw_error(const char* what, int error) const;
  static void receive_completed(Operation& operation, int result, bool more) noexcept;
  static void send_completed(Operation& operation, int result, bool more) noexcept;
  static void turn_ends(TurnEnd& hook) noexcept;
  static void close_limit_passed(Timer& timer) noexcept;

  Loop& loop() const noexcept { return *socket_.loop(); }
  ConnectionReceive& the_receive() noexcept { return *this; }
  ConnectionSend& the_send() noexcept { return *this; }
  TurnEnd& turn_end() noexcept { return *this; }

  void begin_read() noexcept {
    lent_ = false;
    if (kept_.capacity() > 0) kept_.clear();
  }
  void receive() noexcept;
  void note_attention() noexcept;
  void received(int result) noexcept;
  void take(std::size_t count) noexcept;
  void append(std::string_view piece);
  void adapt(std::size_t count) noexcept;

  /// The multishot receive is to end, as what comes is too long for it.
  bool changing() const noexcept { return multishot_ && receive_size_ != 0; }
  void notify_reader() noexcept;
  std::size_t send_now(std::string_view bytes) noexcept;
  void send(unsigned flags) noexcept;
  void send_at_turn_end() noexcept;
  void sent(int result) noexcept;
  void written() noexcept;
  void update_pause() noexcept;
  void fail_write(int error) noexcept;
  std::size_t unsent() const noexcept { return output_.size() + sending_.size(); }
  void limit_close() noexcept;
  void advance_close() noexcept;
  void finish_close() noexcept;
  static void wake_all(IntrusiveList<Waiter>& waiters) noexcept;

  Socket socket_;
  sockaddr_in6 peer_{};           // Or sockaddr_in; family 0 if it is neither.
  std::uint32_t references_ = 2;  // the reader's and the writer's

  ReadWait* reader_ = nullptr;  // The one read that waits or was granted and has not resumed.
  ByteBuffer input_;            // A receive of its own writes to its room().
  ByteBuffer kept_;             // What the last read returned, if input_ had to move on since.
  ByteBuffer output_;           // Written, not handed to the kernel.
  ByteBuffer sending_;          // Owned by the kernel while the send is in flight.
  IntrusiveList<Waiter> drainers_;
  IntrusiveList<Waiter> close_waiters_;

  static constexpr std::uint32_t kMinReceive = 4096;
  std::uint32_t receive_size_ = kMinReceive;  // Of its own buffer; 0: the multishot receive does.
  int read_error_ = 0;
  int write_error_ = 0;
  State state_ = State::kOpen;
  std::uint8_t small_receives_ = 0;  // of its own, in a row
  bool multishot_ = false;           // The receive is.
  bool lent_ = false;                // What the last read returned may be in input_.
  bool unattended_ = false;          // No read waits for the multishot receive in flight.
  bool end_of_input_ = false;
  bool write_paused_ = false;  // Above the high-water mark, and not below the low one since.
  bool eof_written_ = false;
  bool eof_sent_ = false;
};

}  // namespace brigade
