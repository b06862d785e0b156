#include "brigade/sync/priority_queue.h"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "brigade/runtime/repr.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using Job = std::pair<int, char>;

struct ByTime {
  bool operator()(const Job& a, const Job& b) const noexcept { return a.first < b.first; }
};
using Jobs = PriorityQueue<Job, ByTime>;

Task<void> put(Jobs& jobs, Job job) { co_await jobs.put(job); }

Task<void> get_and_note(Jobs& jobs, std::string& log) {
  const std::optional<Job> job = co_await jobs.get();
  log += job ? job->second : '.';
}

TEST_CASE("PriorityQueue: the least item comes first") {
  run_async([]() -> Task<void> {
    PriorityQueue<unsigned> queue;
    std::mt19937 random(3);
    for (int i = 0; i < 1000; ++i) {
      const auto number = static_cast<unsigned>(random());
      co_await queue.put(number);
    }

    unsigned last = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::optional<unsigned> number = co_await queue.get();
      REQUIRE(number);
      CHECK(last <= *number);
      last = *number;
    }
  });
}

TEST_CASE("PriorityQueue: of equal items the one put first comes first") {
  run_async([]() -> Task<void> {
    Jobs jobs;
    std::string log;
    for (const Job& job : {Job(2, 'd'), Job(1, 'a'), Job(2, 'e'), Job(1, 'b'), Job(1, 'c')})
      jobs.try_put(job);
    co_await get_and_note(jobs, log);
    jobs.try_put(Job(2, 'f'));

    for (int i = 0; i < 5; ++i) co_await get_and_note(jobs, log);

    CHECK(log == "abcdef");
  });
}

TEST_CASE("PriorityQueue: an order of one's own") {
  PriorityQueue<std::string, std::greater<std::string>> queue;
  for (const char* text : {"b", "c", "a"}) queue.try_put(text);

  CHECK(queue.try_get() == "c");
  CHECK(queue.try_get() == "b");
  CHECK(queue.try_get() == "a");
}

TEST_CASE("PriorityQueue: those who wait to put are let in as they came, and then are sorted") {
  run_async([]() -> Task<void> {
    Jobs jobs(1);
    std::string log;
    for (const Job& job : {Job(5, 'a'), Job(9, 'c'), Job(1, 'b')}) detach(spawn(put(jobs, job)));
    co_await turns(2);
    CHECK(jobs.putting() == 2);

    for (int i = 0; i < 3; ++i) co_await get_and_note(jobs, log);

    CHECK(log == "acb");
  });
}

TEST_CASE("PriorityQueue: who waits gets what is put, and the end after close()") {
  run_async([]() -> Task<void> {
    Jobs jobs;
    std::string log;
    for (int i = 0; i < 3; ++i) detach(spawn(get_and_note(jobs, log)));
    co_await yield_now();

    jobs.try_put(Job(2, 'a'));
    jobs.try_put(Job(1, 'b'));
    jobs.close();
    co_await turns(2);

    CHECK(log == "ab.");
  });
}

TEST_CASE("PriorityQueue: items may be move-only") {
  struct Less {
    bool operator()(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) const noexcept {
      return *a < *b;
    }
  };
  PriorityQueue<std::unique_ptr<int>, Less> queue;
  for (const int number : {3, 1, 2}) queue.try_put(std::make_unique<int>(number));

  for (int i = 1; i <= 3; ++i) {
    const std::optional<std::unique_ptr<int>> item = queue.try_get();
    REQUIRE(item);
    CHECK(**item == i);
  }
}

TEST_CASE("PriorityQueue: prints its name and its items") {
  const Jobs jobs(3, "jobs");

  CHECK(repr(jobs) == "<PriorityQueue \"jobs\" 0 of 3 items>");
}

}  // namespace
}  // namespace brigade
