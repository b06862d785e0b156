// What goes from one end of a simulated connection to the other, and when.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ostream>
#include <utility>

#include "brigade/runtime/loop.h"
#include "brigade/testing/simulated_sockets.h"

namespace brigade {

ssize_t SimulatedSockets::send(int fd, const void* data, std::size_t size) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (end->tcp && end->error != 0) return -std::exchange(end->error, 0);
  if (!end->connected || end->end_sent || end->broken) return -EPIPE;
  const EndPtr other = end->other.lock();
  if (!other || other->closed) {
    if (!end->tcp) return -EPIPE;
    deliver_refusal(end);
    return static_cast<ssize_t>(size);
  }
  const std::size_t held = other->input.size() + other->on_way;
  if (held >= other->capacity) return -EAGAIN;
  std::size_t count = std::min(size, other->capacity - held);
  if (count > 1 && chance(options_.short_sends)) count = 1 + below(count - 1);
  deliver_bytes(other, {static_cast<const char*>(data), count});
  return static_cast<ssize_t>(count);
}

int SimulatedSockets::receive_from(End& end, char* data, std::size_t size) noexcept {
  if (!end.connected) return -ENOTCONN;
  if (end.input.empty()) {
    if (end.error != 0) return -std::exchange(end.error, 0);
    return end.end_of_input || end.broken ? 0 : -EAGAIN;
  }
  const std::size_t count = std::min(size, end.input.size());
  end.input.copy(data, count);
  end.input.erase(0, count);
  const EndPtr other = end.other.lock();
  if (other) changed(*other);  // There is room.
  return static_cast<int>(count);
}

ssize_t SimulatedSockets::receive(int fd, void* data, std::size_t size) noexcept {
  const EndPtr end = find(fd);
  return end ? receive_from(*end, static_cast<char*>(data), size) : -EBADF;
}

int SimulatedSockets::shutdown(int fd, int how) noexcept {
  const EndPtr end = find(fd);
  if (!end) return -EBADF;
  if (end->listening) {
    stop_listening(end);
    return 0;
  }
  if (!end->connected || end->broken) return -ENOTCONN;
  if (how != SHUT_WR) end->end_of_input = true;
  const EndPtr other = end->other.lock();
  if (how != SHUT_RD && !std::exchange(end->end_sent, true) && other) deliver_end(other, 0);
  changed(*end);
  return 0;
}

// The socket is gone for its owner.
void SimulatedSockets::hang_up(const EndPtr& end) noexcept {
  end->closed = true;
  end->connect_wanted = false;
  const EndPtr other = end->other.lock();
  if (!other || end->broken) return;
  const bool unread = !end->input.empty() || (!end->tcp && end->on_way > 0);
  if (end->tcp && (unread || end->reset_on_close))
    deliver_reset(other);
  else if (unread || !end->end_sent)
    deliver_end(other, unread ? ECONNRESET : 0);
  changed(*other);  // A Unix socket knows at once.
}

// Deliveries.

Nanoseconds SimulatedSockets::latency() noexcept {
  const Nanoseconds range = options_.longest_latency - options_.shortest_latency;
  if (range <= Nanoseconds::zero()) return options_.shortest_latency;
  const std::uint64_t drawn = (std::uint64_t{random_()} << 32) | random_();
  const auto choices = static_cast<std::uint64_t>(range.count()) + 1;
  return options_.shortest_latency + Nanoseconds(static_cast<std::int64_t>(drawn % choices));
}

void SimulatedSockets::at(TimePoint time, std::function<void()> event) noexcept {
  events_.emplace(time, std::move(event));
  arm();
}

void SimulatedSockets::arm() noexcept {
  loop_.disarm(arrival_);
  if (!events_.empty()) loop_.arm(arrival_, events_.begin()->first);
}

void SimulatedSockets::run_due() noexcept {
  const TimePoint now = loop_.now();
  while (!events_.empty() && events_.begin()->first <= now) {
    const auto event = events_.extract(events_.begin());
    event.mapped()();
  }
  arm();
}

// Behind all that is on its way to this end.
void SimulatedSockets::deliver(const EndPtr& to, std::function<void()> event) noexcept {
  const TimePoint now = loop_.now();
  to->last_delivery = std::max(to->last_delivery, after(now, latency()));
  if (to->last_delivery <= now && to->deliveries == 0) return event();
  ++to->deliveries;
  at(to->last_delivery, [to, event = std::move(event)] {
    --to->deliveries;
    event();
  });
}

void SimulatedSockets::deliver_bytes(const EndPtr& to, std::string_view bytes) noexcept {
  to->on_way += bytes.size();
  deliver(to, [this, to, bytes = std::string(bytes)] {
    to->on_way -= bytes.size();
    const EndPtr sender = to->other.lock();
    if (to->closed && to->tcp && sender) return deliver_refusal(sender);
    if (to->closed || to->broken) return;
    to->input += bytes;
    note(to, "gets " + std::to_string(bytes.size()) + " bytes");
    count_delivery(to);
    changed(*to);
  });
}

void SimulatedSockets::deliver_end(const EndPtr& to, int error) noexcept {
  deliver(to, [this, to, error] {
    if (to->closed || to->broken) return;
    to->end_of_input = true;
    to->error = error;
    note(to, "gets the end of its stream");
    changed(*to);
  });
}

// The answer to bytes that nobody waits for, behind what was sent before.
void SimulatedSockets::deliver_refusal(const EndPtr& to) noexcept {
  deliver(to, [this, to] { break_end(to); });
}

// Does not wait for the bytes before it, as they may not have been sent: they are lost.
void SimulatedSockets::deliver_reset(const EndPtr& to) noexcept {
  const Nanoseconds delay = latency();
  const auto event = [this, to] { break_end(to); };
  if (delay == Nanoseconds::zero()) return event();
  at(after(loop_.now(), delay), event);
}

void SimulatedSockets::break_end(const EndPtr& end) noexcept {
  if (end->closed || end->broken) return;
  end->broken = true;
  end->error = end->tcp && end->end_of_input ? EPIPE : ECONNRESET;
  note(end, "is reset");
  changed(*end);
}

// Breaks the connection if its time has come.
void SimulatedSockets::count_delivery(const EndPtr& to) noexcept {
  const EndPtr other = to->other.lock();
  if (!other) return;
  std::optional<unsigned>& left =
      to->deliveries_left ? to->deliveries_left : other->deliveries_left;
  if (!left || --*left > 0) return;
  left.reset();
  break_end(to);
  break_end(other);
}

void SimulatedSockets::note(const EndPtr& end, const std::string& event) const {
  if (options_.trace == nullptr) return;
  const Nanoseconds now = loop_.now().time_since_epoch();
  *options_.trace << now.count()
                  << " ns: " << (end ? "socket " + std::to_string(end->id) : "kernel") << ' '
                  << event << '\n';
}

}  // namespace brigade
