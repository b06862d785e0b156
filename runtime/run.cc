#include "brigade/runtime/run.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

namespace brigade {
namespace {

bool interruptible() noexcept {
  struct sigaction now{};
  ::sigaction(SIGINT, nullptr, &now);
  return ::gettid() == ::getpid() && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

}  // namespace

Interrupt::Interrupt(Loop& loop, std::function<void()> cancel) {
  if (!interruptible()) return;
  door_ = loop.door();
  cancel_.reset(new PostDoor::Posted{std::move(cancel)});
  caught_.emplace(SIGINT, CaughtSignal::Times::kOnce, &caught, this);
}

// Comes once: the kernel has restored the default action. post() is async-signal-safe.
void Interrupt::caught(void* object, int) noexcept {
  auto& self = *static_cast<Interrupt*>(object);
  self.door_->post(std::move(self.cancel_));
}

void Interrupt::end_process() noexcept {
  std::fflush(nullptr);
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
}

}  // namespace brigade
