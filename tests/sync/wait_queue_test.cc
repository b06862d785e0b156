#include "brigade/sync/wait_queue.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

class Stand : public WaitQueue::Member {
 public:
  explicit Stand(WaitQueue& line) noexcept : Member(kKind), line_(line) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
    if (!park(coroutine)) return false;
    line_.push_back(*this);
    return true;
  }
  void await_resume() { throw_unless_granted(); }

 private:
  static constexpr Kind kKind{"a test", &cancel, &describe};
  WaitQueue& line_;
};

Task<void> stand(WaitQueue& line) { co_await Stand(line); }

Task<std::string> stand_and_tell(WaitQueue& line) { co_return co_await thrown_by(stand(line)); }

TEST_CASE("Label: a reason and a print, with a name and without") {
  const Label named("an Oven", "big");
  const Label unnamed("an Oven", "");

  CHECK(named.reason() == "Oven \"big\"");
  CHECK(unnamed.reason() == "an Oven");
  CHECK(named.print("hot", 2) == "<Oven \"big\" hot, 2 waiting>");
  CHECK(unnamed.print("hot", 0) == "<Oven hot>");
  CHECK(unnamed.print("", 1) == "<Oven, 1 waiting>");
}

TEST_CASE("WaitQueue: the oldest comes first, a cancelled one not at all, and all are counted") {
  run_async([]() -> Task<void> {
    const Label label("an Oven", "big");
    WaitQueue line(label, " (bake)");
    std::vector<TaskHandle<std::string>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(spawn(stand_and_tell(line)));
    co_await yield_now();
    CHECK(line.size() == 4);
    CHECK(tasks[0].context().waits_for() == "Oven \"big\" (bake)");

    tasks[1].cancel();
    CHECK(line.size() == 3);
    line.pop_front().wake();
    line.pop_front().wake();
    co_await turns(2);

    CHECK(tasks[0].done());
    CHECK(tasks[1].result() == "Cancelled");
    CHECK(tasks[2].done());
    CHECK_FALSE(tasks[3].done());
    CHECK(line.size() == 1);
    line.pop_front().wake();
    CHECK(line.empty());
  });
}

TEST_CASE("WaitQueue: those who stand there when it is destroyed get an error [L-08]") {
  run_async([]() -> Task<void> {
    const Label label("an Oven", "big");
    std::optional<WaitQueue> line(std::in_place, label);
    const TaskHandle<std::string> waiter = spawn(stand_and_tell(*line));
    co_await yield_now();

    line.reset();
    const std::string told = co_await waiter;

    CHECK(told == "std::logic_error('an Oven was destroyed while waited for')");
  });
}

}  // namespace
}  // namespace brigade
