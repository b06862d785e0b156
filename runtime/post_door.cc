#include "brigade/runtime/post_door.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include "brigade/runtime/error.h"

namespace brigade {

PostDoor::PostDoor() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw_errno(-errno, "create the loop's eventfd");
}

PostDoor::~PostDoor() {
  close();
  ::close(event_);
}

void PostDoor::close() noexcept {
  Posted* posted = newest_.exchange(&closed_);
  if (posted == &closed_) return;
  while (posted != nullptr) delete std::exchange(posted, posted->next);
}

void PostDoor::post(std::function<void()> function) {
  post(std::unique_ptr<Posted>(new Posted{std::move(function)}));
}

void PostDoor::post(std::unique_ptr<Posted> owned) noexcept {
  Posted* const posted = owned.release();
  posted->next = newest_.load(std::memory_order_relaxed);
  // Sequentially consistent with prepare_sleep(): either the loop sees the post, or we see it
  // sleep.
  do {
    if (posted->next == &closed_) return delete posted;
  } while (!newest_.compare_exchange_weak(posted->next, posted));
  if (sleeping_.exchange(false)) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
  }
}

PostDoor::Posted* PostDoor::take_all() noexcept {
  Posted* newest = newest_.exchange(nullptr);
  Posted* oldest = nullptr;
  while (newest != nullptr) {
    Posted* next = newest->next;
    newest->next = std::exchange(oldest, newest);
    newest = next;
  }
  return oldest;
}

void PostDoor::run_posted() noexcept {
  if (!any_posted()) return;
  for (Posted* posted = take_all(); posted != nullptr;) {
    const std::unique_ptr<Posted> one(std::exchange(posted, posted->next));
    one->function();
  }
}

bool PostDoor::prepare_sleep() noexcept {
  sleeping_.store(true);
  if (newest_.load() == nullptr) return true;
  end_sleep();
  return false;
}

void PostDoor::clear_wake() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(event_, &count, sizeof count);
}

}  // namespace brigade
