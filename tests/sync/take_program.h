#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/tests/sync/interleavings.h"

namespace brigade {

/// Tasks that take what there is a number of, hold it for a step, and give it back; one of them
/// per element of `weights`, and any of them is cancelled at any point, `cancels` times. If timed,
/// each has a deadline, at the instant at which the first gives back and the cancels come.
///
/// `Permits` has acquire(n), available() and waiting(), as a Semaphore.
template <class Permits>
class TakeProgram : public Program {
 public:
  TakeProgram(std::size_t permits, std::vector<std::size_t> weights, int cancels, bool timed)
      : capacity_(permits),
        weights_(std::move(weights)),
        cancels_(cancels),
        timed_(timed),
        permits_(permits) {}

  void start() override {
    for (const std::size_t weight : weights_) {
      Actor& actor = add_actor(weight);
      act(actor, timed_ ? in_time(take(actor)) : take(actor));
    }
    add_canceller(cancels_, timed_ ? kInstant : TimePoint());
  }

  void between_steps() override {
    std::size_t held = 0, granted = 0, unsure = 0, set_aside = 0, first = 0;
    for (const Actor& actor : actors()) {
      if (actor.has()) held += actor.weight;
      if (actor.woken()) (actor.cancel_due() ? unsure : granted) += actor.weight;
      if (!actor.waits() || (first != 0 && actor.arrival > first)) continue;
      first = actor.arrival;
      set_aside = actor.weight - 1;
    }
    const std::size_t known = held + granted + permits_.available();
    require(held <= capacity_, "no more hold than there are permits");
    require(permits_.waiting() == waiting(), "those who wait stand in the queue, and no others");
    require(permits_.available() == 0 || waiting() == 0, "nothing is free while somebody waits");
    require(known <= capacity_, "no permit is doubled");
    require(known + unsure + set_aside >= capacity_, "no permit is lost");
    require_fifo();
  }

  Task<void> afterwards() override {
    require(permits_.available() == capacity_, "all permits are free in the end");
    if (permits_.available() < capacity_) co_return;
    const auto all = co_await permits_.acquire(capacity_);
    require(permits_.available() == 0, "the permits can be taken again");
  }

 private:
  Task<void> take(Actor& actor) {
    asks(actor);
    const auto permit = co_await permits_.acquire(actor.weight);
    const Given given(actor);
    co_await sleep_until(timed_ ? kInstant : TimePoint());
  }

  const std::size_t capacity_;
  const std::vector<std::size_t> weights_;
  const int cancels_;
  const bool timed_;
  Permits permits_;
};

}  // namespace brigade
