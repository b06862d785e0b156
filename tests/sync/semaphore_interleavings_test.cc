#include <algorithm>
#include <coroutine>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "brigade/sync/lock.h"
#include "brigade/sync/semaphore.h"
#include "brigade/tests/sync/interleavings.h"
#include "brigade/tests/sync/take_program.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using Weights = std::vector<std::size_t>;

// A Lock as a number of permits: one.
class LockPermits {
 public:
  explicit LockPermits(std::size_t) {}
  auto acquire(std::size_t) noexcept { return lock_.acquire(); }
  std::size_t available() const noexcept { return lock_.locked() ? 0 : 1; }
  std::size_t waiting() const noexcept { return lock_.waiting(); }

 private:
  Lock lock_;
};

template <class Permits>
void check_takes(std::size_t permits, const Weights& weights, int cancels, std::size_t schedules,
                 bool timed = false) {
  check_every_order<TakeProgram<Permits>>(schedules, permits, weights, cancels, timed);
}

TEST_CASE("Lock: every order of four tasks is lawful, whoever is cancelled and when [L-04]") {
  check_takes<LockPermits>(1, {1, 1, 1}, 2, 4'854);
  check_takes<LockPermits>(1, {1, 1, 1, 1}, 1, 18'816);
}

TEST_CASE("Semaphore: every order of four tasks is lawful, whoever is cancelled and when [L-04]") {
  check_takes<Semaphore>(2, {1, 1, 1}, 2, 6'546);
  check_takes<Semaphore>(2, {1, 1, 1, 1}, 1, 56'904);
}

TEST_CASE("Semaphore: every order of tasks that take several is lawful [L-04] [L-05]") {
  check_takes<Semaphore>(2, {1, 2, 1}, 2, 5'602);
  check_takes<Semaphore>(3, {1, 3, 2, 1}, 1, 41'922);
}

TEST_CASE("Lock, Semaphore: every order at a deadline is lawful [L-04]") {
  check_takes<LockPermits>(1, {1, 1, 1}, 1, 1'008, true);
  check_takes<Semaphore>(2, {1, 2, 1}, 1, 1'008, true);
  check_takes<Semaphore>(2, {1, 2, 1, 2}, 1, 31'680, true);
}

enum class Bug { kNone, kKeepsCancelled, kGrantsTwice, kLosesBaton, kLetsBarge };

// A lock with one of the bugs that locks have had.
template <Bug kBug>
class BrokenLock {
 public:
  explicit BrokenLock(std::size_t) {}

  class Permit {
   public:
    explicit Permit(BrokenLock& lock) noexcept : lock_(&lock) {}
    Permit(Permit&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (lock_ != nullptr) lock_->release();
    }

   private:
    BrokenLock* lock_;
  };

  Task<Permit> acquire(std::size_t) {
    bool granted = false;
    while (!granted && std::exchange(free_, free_ - std::min<std::size_t>(free_, 1)) == 0) {
      co_await Park(*this);
      granted = kBug != Bug::kLetsBarge;
    }
    co_return Permit(*this);
  }

  std::size_t available() const noexcept { return free_; }
  std::size_t waiting() const noexcept { return queue_.size(); }

 private:
  class Park : public Waiter {
   public:
    explicit Park(BrokenLock& lock) noexcept : Waiter(kKind), lock_(lock) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) {
      if (!park(coroutine)) return false;
      lock_.queue_.push_back(this);
      return true;
    }
    void await_resume() {
      throw_if_cancelled();
      if (kBug == Bug::kLosesBaton) throw_if_cancel_due();
    }

   private:
    static void cancel(Waiter& waiter) noexcept {
      auto& self = static_cast<Park&>(waiter);
      if (kBug == Bug::kKeepsCancelled)
        std::ranges::replace(self.lock_.queue_, &self, nullptr);
      else
        std::erase(self.lock_.queue_, &self);
      self.wake_cancelled();
    }
    static constexpr Kind kKind{"a broken lock", &cancel};

    BrokenLock& lock_;
  };

  void release() noexcept {
    if (queue_.empty() || kBug == Bug::kLetsBarge) ++free_;
    for (int left = kBug == Bug::kGrantsTwice ? 2 : 1; left > 0 && !queue_.empty(); --left) {
      Park* const oldest = queue_.front();
      queue_.pop_front();
      if (oldest != nullptr) oldest->wake();
    }
  }

  std::size_t free_ = 1;
  std::deque<Park*> queue_;
};

template <Bug kBug>
std::string law_broken_by() {
  const std::string broken =
      explore<TakeProgram<BrokenLock<kBug>>>(std::size_t{1}, Weights{1, 1, 1}, 1, false).broken;
  return broken.substr(0, broken.find(" ["));
}

TEST_CASE("TakeProgram: finds what is wrong with a broken lock, and nothing without a bug") {
  CHECK(law_broken_by<Bug::kNone>() == "");
  CHECK(law_broken_by<Bug::kKeepsCancelled>() ==
        "those who wait stand in the queue, and no others");
  CHECK(law_broken_by<Bug::kGrantsTwice>() == "no permit is doubled");
  CHECK(law_broken_by<Bug::kLosesBaton>() == "no permit is lost");
  CHECK(law_broken_by<Bug::kLetsBarge>() == "nothing is free while somebody waits");
}

}  // namespace
}  // namespace brigade
