#include "brigade/tests/sync/interleavings.h"

#include <algorithm>
#include <vector>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/timeout.h"
#include "doctest/doctest.h"

namespace brigade {

Program::Actor& Program::add_actor(std::size_t weight, std::size_t line) {
  Actor& actor = actors_.emplace_back();
  actor.weight = weight;
  actor.line = line;
  return actor;
}

void Program::add_canceller(int times, TimePoint from) {
  const auto cancel = [](Program& program, int left, TimePoint when) -> Task<void> {
    if (when > TimePoint()) co_await sleep_until(when);
    while (left-- > 0) {
      program.cancel_any();
      if (left > 0) co_await yield_now();
    }
  };
  if (times > 0) add(cancel(*this, times, from));
}

Task<void> Program::in_time(Task<void> task) {
  try {
    co_await timeout_at(kInstant, std::move(task));
  } catch (const TimeoutError&) {
  }
}

void Program::cancel_any() {
  look();
  std::vector<Actor*> alive;
  for (Actor& actor : actors_)
    if (!actor.task->done()) alive.push_back(&actor);
  if (alive.empty()) return;
  Actor& victim = *alive[pick(alive.size())];
  victim.cancelled = true;
  victim.must_have = victim.must_have || (victim.woken() && !victim.cancel_due());
  victim.must_be_cancelled = victim.must_be_cancelled || victim.waits();
  victim.task->cancel();
}

void Program::look() {
  for (Actor& actor : actors_) actor.waits_for = actor.task->context().waits_for();
}

void Program::require_fifo() {
  for (const Actor& older : actors_) {
    if (!older.waits()) continue;
    for (const Actor& newer : actors_)
      if (newer.line == older.line && newer.arrival > older.arrival)
        require(!newer.has() && (!newer.woken() || newer.cancel_due()),
                "nobody overtakes one that waits");
  }
}

std::size_t Program::waiting(std::size_t line) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      actors_, [&](const Actor& actor) { return actor.line == line && actor.waits(); }));
}

void Program::require_ended() {
  for (const Actor& actor : actors_) {
    require(actor.task->done(), "every task ends");
    require_delivered(actor);
    if (actor.task->status() == TaskStatus::kError) {
      actor.task->context().mark_retrieved();
      require(false, ("no task fails: " + repr(actor.task->context().error())).c_str());
    }
    const bool ended_by_cancel = actor.task->status() == TaskStatus::kCancelled;
    require(actor.cancelled || !ended_by_cancel, "Cancelled only if somebody asked for it");
    require(ended_by_cancel || !actor.must_be_cancelled, "a cancelled wait ends by Cancelled");
  }
}

class Explorer {
 public:
  static std::string run(Schedules& schedules, std::unique_ptr<Program> program) {
    bool finished = false;
    LoopOptions options;
    options.clock = ClockKind::kVirtual;
    options.pick_ready = [&](std::size_t ready) -> std::size_t {
      if (finished) return 0;
      program->check_now();
      return schedules.pick(ready);
    };
    Loop loop(std::move(options));
    program->loop_ = &loop;
    program->schedules_ = &schedules;
    program->start();
    try {
      loop.run_until_idle();
      program->check_now();
      program->require_ended();
      finished = true;
      loop.run_until_complete(program->afterwards(), "afterwards");
    } catch (const std::exception& error) {
      program->check_now();
      program->require(false, error.what());
    }
    finished = true;
    loop.close();
    const std::string broken = std::move(program->broken_);
    program.reset();
    if (broken.empty() && loop.ledger() != Ledger{}) return "the loop leaves nothing behind";
    return broken;
  }
};

Explored explore(const std::function<std::unique_ptr<Program>()>& make) {
  Schedules schedules;
  Explored explored;
  while (explored.broken.empty() && schedules.next()) {
    explored.broken = Explorer::run(schedules, make());
    if (!explored.broken.empty()) explored.broken += " [" + schedules.to_string() + "]";
  }
  explored.schedules = schedules.count();
  return explored;
}

void check_lawful(const Explored& explored, std::size_t schedules) {
  MESSAGE(explored.schedules, " schedules");
  CHECK(explored.broken == "");
  CHECK(explored.schedules >= schedules);
}

}  // namespace brigade
