#include "brigade/net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace brigade {
namespace {

// Unsent bytes the kernel buffers for a peer that does not read; by default it takes megabytes.
constexpr int kNotSentLowWater = 131072;

std::string incomplete_text(std::size_t received, std::optional<std::size_t> wanted) {
  std::string text = "the stream ended after " + std::to_string(received);
  if (wanted) return text + " of " + std::to_string(*wanted) + " bytes";
  return text + " bytes without the separator";
}

// The bytes go with the error: without memory for it they stay.
[[noreturn]] void throw_incomplete(Connection& connection, std::optional<std::size_t> wanted) {
  IncompleteReadError error(connection.input(), wanted);
  connection.consume(connection.input().size());
  throw error;
}

}  // namespace

IncompleteReadError::IncompleteReadError(std::string_view received,
                                         std::optional<std::size_t> wanted)
    : std::runtime_error(incomplete_text(received.size(), wanted)),
      partial(received),
      expected(wanted) {}

LimitOverrunError::LimitOverrunError(std::size_t limit, std::size_t scanned)
    : std::runtime_error("no separator within the limit of " + std::to_string(limit) + " bytes"),
      consumed(scanned) {}

StreamReader& StreamReader::operator=(StreamReader&& other) noexcept {
  StreamReader moved(std::move(other));
  std::swap(connection_, moved.connection_);
  std::swap(limit_, moved.limit_);
  return *this;
}

StreamReader::Read StreamReader::read(std::size_t max_bytes) noexcept {
  return Read(*connection_, {.kind = Connection::Goal::Kind::kSome, .count = max_bytes});
}

StreamReader::Read StreamReader::readexactly(std::size_t bytes) noexcept {
  return Read(*connection_, {.kind = Connection::Goal::Kind::kExactly, .count = bytes});
}

StreamReader::Read StreamReader::readuntil(std::string_view separator) {
  if (separator.empty()) throw std::invalid_argument("readuntil() an empty separator");
  return Read(*connection_,
              {.kind = Connection::Goal::Kind::kUntil, .separator = separator, .limit = limit_});
}

StreamReader::Read StreamReader::readline() noexcept {
  return Read(*connection_,
              {.kind = Connection::Goal::Kind::kUntil, .separator = "\n", .limit = limit_}, true);
}

std::string_view StreamReader::Read::await_resume() {
  end_wait();
  connection_.throw_read_error();
  if (goal_.kind == Connection::Goal::Kind::kUntil) return take_separated();
  const std::size_t held = connection_.input().size();
  if (goal_.kind == Connection::Goal::Kind::kExactly && held < goal_.count)
    throw_incomplete(connection_, goal_.count);
  return connection_.consume(goal_.count);
}

std::string_view StreamReader::Read::take_separated() {
  const std::size_t held = connection_.input().size();
  const bool found = goal_.found != std::string_view::npos;
  const std::size_t length = found ? goal_.found + goal_.separator.size() : held;
  if (found && goal_.found <= goal_.limit) return connection_.consume(length);
  const std::size_t scanned = found ? goal_.found : goal_.scanned;
  if (scanned > goal_.limit) {
    LimitOverrunError error(goal_.limit, scanned);
    if (line_) connection_.consume(length);
    throw error;
  }
  if (line_) return connection_.consume(held);
  throw_incomplete(connection_, std::nullopt);
}

StreamWriter& StreamWriter::operator=(StreamWriter&& other) noexcept {
  StreamWriter moved(std::move(other));
  std::swap(connection_, moved.connection_);
  return *this;
}

StreamWriter::~StreamWriter() {
  if (connection_ == nullptr) return;
  connection_->close();
  connection_->drop_reference();
}

bool StreamWriter::Drain::await_ready() noexcept {
  connection_.drain();
  return settled() && within_budget();
}

bool StreamWriter::Drain::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  if (settled())
    wake();
  else
    connection_.drainers().push_back(*this);
  return true;
}

std::string StreamWriter::Drain::describe(const Waiter& waiter) {
  return "drain fd " + std::to_string(static_cast<const Drain&>(waiter).connection_.fd());
}

void StreamWriter::Drain::await_resume() {
  throw_if_cancelled();
  connection_.throw_read_error();
  connection_.throw_write_error();
}

bool StreamWriter::WaitClosed::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  if (!park(coroutine)) return false;
  connection_.close_waiters().push_back(*this);
  return true;
}

void StreamWriter::WaitClosed::await_resume() {
  throw_if_cancelled();
  if (!connection_.aborted()) connection_.throw_write_error();
}

std::pair<StreamReader, StreamWriter> open_streams(Socket socket) {
  const int family = socket.local_address().family();
  if (family == AF_INET || family == AF_INET6) {
    const int on = 1;
    socket.set_option(IPPROTO_TCP, TCP_NODELAY, on);
    socket.set_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, kNotSentLowWater);
  }
  auto* connection = new Connection(std::move(socket));
  return {StreamReader(*connection), StreamWriter(*connection)};
}

}  // namespace brigade
