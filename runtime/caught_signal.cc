#include "brigade/runtime/caught_signal.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "brigade/runtime/error.h"

namespace brigade {
namespace {

std::array<std::atomic<CaughtSignal*>, _NSIG> newest{};
std::atomic<int> running = 0;  // Handlers, on all threads.

}  // namespace

CaughtSignal::CaughtSignal(int number, Times times, Handler handler, void* object)
    : number_(number), handler_(handler), object_(object) {
  struct sigaction action{};
  action.sa_handler = &caught;
  action.sa_flags = SA_RESTART | (times == Times::kOnce ? SA_RESETHAND : 0);
  const bool valid = number > 0 && number < _NSIG;
  if (valid) outer_ = newest[static_cast<std::size_t>(number)].exchange(this);
  if (valid && ::sigaction(number, &action, &before_) == 0) return;
  if (valid) newest[static_cast<std::size_t>(number)] = outer_;
  throw_errno(-EINVAL, "catch signal " + std::to_string(number));
}

CaughtSignal::~CaughtSignal() {
  ::sigaction(number_, &before_, nullptr);
  newest[static_cast<std::size_t>(number_)] = outer_;
  while (running != 0) std::this_thread::yield();  // Only ever another thread's.
}

void CaughtSignal::caught(int number) {
  const int saved = errno;
  ++running;
  CaughtSignal* const signal = newest[static_cast<std::size_t>(number)];
  if (signal != nullptr) signal->handler_(signal->object_, number);
  --running;
  errno = saved;
}

}  // namespace brigade
