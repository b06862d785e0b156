// The tree of waiting tasks, as Loop::task_tree() and the report of a deadlock show it.
#include <algorithm>
#include <string>
#include <vector>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/wait.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

Task<void> nap(Nanoseconds duration) { co_await sleep(duration); }

Task<void> join(TaskRef task) { co_await wait_done(task); }

Task<void> join_both(TaskRef first, TaskRef second) {
  std::vector<TaskRef> both;
  both.push_back(first);
  both.push_back(second);
  const auto result = co_await wait(std::move(both));
  CHECK(result.done.size() == 2);
}

// Without what changes when this file does.
std::string without_lines(std::string text) {
  const std::string place = ".cc:";
  for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at)) {
    at += place.size();
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') text.erase(at, 1);
  }
  return text;
}

TEST_CASE("Loop: the task tree shows who waits for whom, for what and how long") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> napper = spawn(nap(10s), "napper");
    const TaskHandle<void> other = spawn(nap(20s), "other");
    const TaskHandle<void> both = spawn(join_both(napper, other), "both");
    const TaskHandle<void> boss = spawn(join(both), "boss");
    co_await sleep(2500ms);

    const std::string tree = Loop::current().task_tree();

    CHECK("\n" + without_lines(tree) == R"(
'test' runs, spawned at async.cc:
'boss' waits for the end of 'both', 2.5 s, spawned at task_tree_test.cc:
  'both' waits for the end of several tasks, 2.5 s, spawned at task_tree_test.cc:
    'napper' waits for a time, 2.5 s, spawned at task_tree_test.cc:
    'other' waits for a time, 2.5 s, spawned at task_tree_test.cc:
)");
    co_await boss;
  });
}

TEST_CASE("Loop: the age of a wait begins when the task last ran") {
  run_async([]() -> Task<void> {
    const auto nap_twice = []() -> Task<void> {
      co_await sleep(3s);
      co_await sleep(3s);
    };
    const TaskHandle<void> napper = spawn(nap_twice(), "napper");
    co_await sleep(5s);

    CHECK(Loop::current().task_tree().find("'napper' waits for a time, 2 s, ") !=
          std::string::npos);
    co_await napper;
  });
}

TEST_CASE("Loop: tasks that wait for each other are shown once") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  std::vector<TaskHandle<void>> ring;
  const auto join_at = [](std::vector<TaskHandle<void>>& all, std::size_t i) -> Task<void> {
    co_await wait_done(all[i]);
  };
  for (const std::size_t next : {1U, 2U, 0U}) ring.push_back(loop.spawn(join_at(ring, next)));
  CHECK_THROWS_AS(loop.run_until_idle(), DeadlockError);

  const std::string tree = loop.task_tree();

  CHECK(std::count(tree.begin(), tree.end(), '\n') == 3);
  CHECK(tree.find("'Task-1' waits for the end of 'Task-2'") == 0);
  CHECK(tree.find("\n  'Task-2' waits for the end of 'Task-3'") != std::string::npos);
  loop.close();
  ring.clear();
}

TEST_CASE("Loop: a chain of a hundred thousand tasks is shown without recursion") {
  run_async([]() -> Task<void> {
    constexpr int kTasks = 100'000;
    TaskRef last = spawn(nap(1h));
    for (int i = 1; i < kTasks; ++i) last = spawn(join(last));
    co_await sleep(1s);

    const std::string tree = Loop::current().task_tree();

    CHECK(std::count(tree.begin(), tree.end(), '\n') == kTasks + 1);
    for (const TaskRef& task : Loop::current().tasks())
      if (task != current_task()) task.cancel();
    co_await wait_done(last);
  });
}

TEST_CASE("Loop: the report of a deadlock shows twenty tasks, and counts the others") {
  LoopOptions options;
  options.clock = ClockKind::kVirtual;
  Loop loop(std::move(options));
  std::vector<TaskHandle<void>> ring;
  const auto join_at = [](std::vector<TaskHandle<void>>& all, std::size_t i) -> Task<void> {
    co_await wait_done(all[i]);
  };
  for (std::size_t i = 0; i < 30; ++i) ring.push_back(loop.spawn(join_at(ring, (i + 1) % 30)));

  std::string told;
  try {
    loop.run_until_idle();
  } catch (const DeadlockError& error) {
    told = error.what();
  }

  CHECK(told.find("and 10 more\n") != std::string::npos);
  CHECK(std::count(told.begin(), told.end(), '\n') == 22);
  loop.close();
  ring.clear();
}

TEST_CASE("Loop: tasks() are those that have not ended, in the order of their spawns") {
  run_async([]() -> Task<void> {
    const TaskHandle<void> first = spawn(nap(1s), "first");
    const TaskHandle<void> second = spawn(nap(2s), "second");
    std::string names;
    for (const TaskRef& task : Loop::current().tasks()) names += task.name() + " ";
    CHECK(names == "test first second ");

    co_await first;

    CHECK(Loop::current().tasks().size() == 2);
    CHECK(Loop::current().tasks()[1] == second);
    co_await second;
  });
}

}  // namespace
}  // namespace brigade
