#include "brigade/apps/generator.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"

namespace brigade::apps {

Generator::Generator(const Load& load, const std::vector<Nanoseconds>& arrivals, ClockKind clock,
                     double speed, Attendance& attendance)
    : load_(load),
      arrivals_(arrivals),
      clock_(clock),
      speed_(clock == ClockKind::kVirtual ? 1 : speed),
      attendance_(attendance) {
  attendance.clients.reserve(arrivals.size());
}

void Generator::run(Serve serve, const std::function<void(Loop&)>& begin) {
  serve_ = std::move(serve);
  std::exception_ptr failure;
  LoopOptions options;
  options.clock = clock_;
  options.on_unhandled_error = [&failure](const TaskRef& task) { failure = task.error(); };
  {
    Loop loop(std::move(options));
    if (begin) begin(loop);
    start_ = loop.now();
    static_cast<void>(loop.spawn(open(), "door"));
    loop.run_until_idle();
  }
  if (failure) std::rethrow_exception(failure);
}

Nanoseconds Generator::real(Nanoseconds nominal) const {
  if (speed_ == 1) return nominal;
  return to_nanoseconds(std::chrono::duration<long double, std::nano>(nominal) / speed_);
}

Nanoseconds Generator::now() const {
  const Nanoseconds measured = Loop::current().now() - start_;
  if (speed_ == 1) return measured;
  return to_nanoseconds(std::chrono::duration<long double, std::nano>(measured) * speed_);
}

void Generator::count_present(std::ptrdiff_t change) {
  const Nanoseconds until = now();
  attendance_.presence +=
      static_cast<long double>(present_) * static_cast<long double>((until - counted_).count());
  counted_ = until;
  present_ += static_cast<std::size_t>(change);
}

std::size_t Generator::admit(Nanoseconds arrival) {
  if (attendance_.clients.size() == kMaxClients)
    throw std::runtime_error("more than 10000000 clients come");
  attendance_.clients.push_back({.arrival = arrival});
  count_present(1);
  return attendance_.clients.size() - 1;
}

Task<void> Generator::open() {
  if (load_.pattern == Load::Pattern::kClosed) {
    for (std::size_t i = 0; i < load_.users; ++i) static_cast<void>(spawn(user()));
    co_return;
  }
  // Each on the absolute clock, so that no delay adds up.
  for (const Nanoseconds arrival : arrivals_) {
    const TimePoint due = start_ + real(arrival);
    if (due > Loop::current().now()) co_await sleep_until(due);
    static_cast<void>(spawn(visit(admit(arrival))));
  }
}

bool Generator::user_goes_on() const {
  if (load_.clients > 0 && attendance_.clients.size() >= load_.clients) return false;
  return load_.duration == Nanoseconds::zero() || now() < load_.duration;
}

Task<void> Generator::user() {
  while (user_goes_on()) {
    const std::size_t client = admit(now());
    co_await visit(client);
    if (load_.think > Nanoseconds::zero()) co_await sleep(real(load_.think));
  }
}

Task<void> Generator::visit(std::size_t index) {
  co_await serve_(index);
  Client& client = attendance_.clients[index];
  const Nanoseconds end = now();
  client.service = end - client.arrival;
  attendance_.elapsed = std::max(attendance_.elapsed, end);
  count_present(-1);
}

}  // namespace brigade::apps
