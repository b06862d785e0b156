#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/platform.h"
#include "brigade/testing/schedules.h"

namespace brigade {

/// What all schedules of a Program came to.
struct Explored {
  std::size_t schedules = 0;
  std::string broken;  // The first law that one broke, and that schedule; empty if none did.
};

/// A few tasks around one primitive, to be run in every order. What they do between two awaits is a
/// step, and the schedule decides which task makes the next one: so a task that only sets, closes
/// or cancels does it at every point in turn.
class Program {
 public:
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  virtual ~Program() = default;

  virtual void start() = 0;  // adds the tasks

  /// The laws that hold between any two steps.
  virtual void between_steps() = 0;

  /// When all tasks have ended: the laws of the whole, and that the primitive is still of use.
  virtual Task<void> afterwards() = 0;

 protected:
  /// When all happens in programs with deadlines. The virtual clock moves when no task can go on.
  static constexpr TimePoint kInstant{std::chrono::seconds(1)};
  static constexpr TimePoint kEnd{std::chrono::seconds(10)};

  /// A task, and how far it is with the one thing that it asks of the primitive.
  struct Actor {
    bool active() const noexcept { return asked && !over && !task->done(); }
    bool has() const noexcept { return active() && given; }
    bool waits() const noexcept { return active() && !given && !waits_for.empty(); }
    /// It was woken, and has not run: as granted, if no cancel is due.
    bool woken() const noexcept { return active() && !given && waits_for.empty(); }
    bool cancel_due() const noexcept { return task->context().cancel_due(); }

    std::size_t weight = 1;  // What it asks for.
    std::size_t line = 0;    // Those of one line are served in the order they come.
    std::size_t arrival = 0;
    bool asked = false;
    bool given = false;
    bool over = false;  // It has given back what it had, or needed it for an instant only.
    bool cancelled = false;
    bool must_be_cancelled = false;  // It waited when it was cancelled.
    bool must_have = false;          // It was woken before it was cancelled.
    std::string waits_for = {};      // As look() saw it.
    std::optional<TaskHandle<void>> task = {};
  };

  /// Marks what an actor has, until it gives it back.
  class Given {
   public:
    explicit Given(Actor& actor) noexcept : actor_(actor) { actor_.given = true; }
    ~Given() { actor_.over = true; }
    Given(const Given&) = delete;
    Given& operator=(const Given&) = delete;

   private:
    Actor& actor_;
  };

  Actor& add_actor(std::size_t weight = 1, std::size_t line = 0);
  void act(Actor& actor, Task<void> task) { actor.task.emplace(loop_->spawn(std::move(task))); }

  /// Adds a task that cancels any of the actors that have not ended, `times` times.
  void add_canceller(int times, TimePoint from = {});

  /// Cancels any of them now.
  void cancel_any();

  /// Adds a task that is no actor.
  void add(Task<void> task) { loop_->spawn(std::move(task)); }

  /// `task`, ended at kInstant.
  static Task<void> in_time(Task<void> task);

  void asks(Actor& actor) {
    require_delivered(actor);
    actor.must_have = false;
    actor.asked = true;
    actor.given = actor.over = false;
    actor.arrival = ++arrivals_;
  }

  void require(bool ok, const char* law) {
    if (!ok && broken_.empty()) broken_ = law;
  }

  /// Notes who waits; it was done before between_steps().
  void look();

  /// None of a line has what it asked for while one that came before it waits.
  void require_fifo();

  /// How many of a line wait.
  std::size_t waiting(std::size_t line = 0) const;

  std::size_t pick(std::size_t n) { return schedules_->pick(n); }
  std::deque<Actor>& actors() noexcept { return actors_; }

 private:
  friend class Explorer;

  void check_now() {
    look();
    between_steps();
  }
  void require_delivered(const Actor& actor) {
    require(!actor.must_have || actor.over, "what was granted before a cancel is delivered");
  }
  void require_ended();

  Loop* loop_ = nullptr;
  Schedules* schedules_ = nullptr;
  std::size_t arrivals_ = 0;
  std::string broken_;
  std::deque<Actor> actors_;
};

/// Runs every schedule of the programs that `make` makes, until one breaks a law. That a task
/// waits for ever is a broken law, as are a Cancelled that nobody asked for and a loop that leaves
/// something behind.
Explored explore(const std::function<std::unique_ptr<Program>()>& make);

template <class P, class... Args>
Explored explore(const Args&... args) {
  return explore([&]() -> std::unique_ptr<Program> { return std::make_unique<P>(args...); });
}

/// Checks that `explored` broke no law, by at least so many schedules: fewer would mean that they
/// shrank unseen.
void check_lawful(const Explored& explored, std::size_t schedules);

/// Explores P(args...) and checks that; sanitized builds leave the large ones out.
template <class P, class... Args>
void check_every_order(std::size_t schedules, const Args&... args) {
  constexpr std::size_t kSanitizedLimit = 7'000;
  if (!kSanitized || schedules <= kSanitizedLimit) check_lawful(explore<P>(args...), schedules);
}

}  // namespace brigade
