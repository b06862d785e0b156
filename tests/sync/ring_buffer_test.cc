#include "brigade/sync/ring_buffer.h"

#include <deque>
#include <memory>
#include <random>
#include <utility>

#include "brigade/tests/support/tracked.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

TEST_CASE("RingBuffer: is a FIFO, whatever the order of push and pop") {
  RingBuffer<std::unique_ptr<int>> buffer;
  std::deque<int> model;
  std::mt19937 random(2);

  for (int i = 0; i < 10'000; ++i) {
    const bool grows = i % 1000 < 500;  // It fills, and it runs empty.
    if (random() % 3 < (grows ? 2U : 1U)) {
      buffer.make_room();
      buffer.push(std::make_unique<int>(i));
      model.push_back(i);
    } else if (!model.empty()) {
      REQUIRE(*buffer.pop() == model.front());
      model.pop_front();
    }
    REQUIRE(buffer.size() == model.size());
  }
}

TEST_CASE("RingBuffer: destroys each item once, those that are left too") {
  Counts counts;
  {
    RingBuffer<Tracked> buffer;
    for (int i = 0; i < 100; ++i) {
      buffer.make_room();
      buffer.push(Tracked(counts));
      if (i % 3 == 0) buffer.pop();
    }
    CHECK(counts.alive() == static_cast<int>(buffer.size()));
  }

  CHECK(counts.alive() == 0);
}

}  // namespace
}  // namespace brigade
