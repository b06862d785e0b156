#include "brigade/runtime/task_local.h"

#include <optional>
#include <string>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

TaskLocal<std::string> user("nobody");
TaskLocal<int> request(0);

Task<std::string> who() { co_return user.get(); }

Task<std::string> who_later() {
  co_await yield_now();
  co_return user.get();
}

Task<void> become(const char* name) {
  user.set(name);
  co_return;
}

TEST_CASE("TaskLocal: has its initial value until it is set, and outside of a task") {
  CHECK(user.get() == "nobody");

  run_async([]() -> Task<void> {
    CHECK(user.get() == "nobody");
    user.set("ada");
    CHECK(user.get() == "ada");
    co_return;
  });

  CHECK(user.get() == "nobody");
}

TEST_CASE("TaskLocal: a task that is awaited shares the values of its caller") {
  run_async([]() -> Task<void> {
    co_await become("ada");

    const std::string name = co_await who();

    CHECK(user.get() == "ada");
    CHECK(name == "ada");
  });
}

TEST_CASE("TaskLocal: a spawned task begins with the values of the one that spawns it") {
  run_async([]() -> Task<void> {
    user.set("ada");
    const TaskHandle<std::string> heir = spawn(who_later());
    user.set("grace");  // Too late for the heir, though it has not begun.
    const TaskHandle<std::string> second = spawn(who_later());

    const std::string first_name = co_await heir;
    const std::string second_name = co_await second;

    CHECK(first_name == "ada");
    CHECK(second_name == "grace");
  });
}

TEST_CASE("TaskLocal: what a spawned task sets stays its own") {
  run_async([]() -> Task<void> {
    user.set("ada");
    const TaskHandle<void> other = spawn(become("grace"));
    co_await other;

    CHECK(user.get() == "ada");
  });
}

TEST_CASE("TaskLocal: variables do not disturb each other, set however often") {
  run_async([]() -> Task<void> {
    for (int i = 1; i <= 1000; ++i) {
      request.set(i);
      if (i == 500) user.set("ada");
      CHECK(request.get() == i);
    }

    CHECK(user.get() == "ada");
    CHECK(request.get() == 1000);
    co_return;
  });
}

TEST_CASE("TaskLocal: a value is destroyed with the last task that has it") {
  static TaskLocal<std::optional<Tracked>> tracked;
  static Counts counts;
  run_async([]() -> Task<void> {
    const auto keep = []() -> Task<void> {
      co_await yield_now();
      CHECK(counts.alive() > 0);
    };
    const auto set = [](TaskHandle<void>& heir, auto keep_it) -> Task<void> {
      tracked.set(Tracked(counts));
      heir = spawn(keep_it());
      co_return;
    };
    TaskHandle<void> heir = spawn(keep());
    co_await spawn(set(heir, keep));
    CHECK(counts.alive() == 1);

    co_await heir;
  });
  CHECK(counts.alive() == 0);
}

TEST_CASE("TaskLocal: set() outside of a task is a broken check") {
  check_dies([] { request.set(1); }, "TaskLocal::set() outside of a task");
}

}  // namespace
}  // namespace brigade
