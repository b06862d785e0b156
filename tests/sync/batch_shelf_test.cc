#include "brigade/sync/batch_shelf.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

TimePoint at(Nanoseconds time) { return TimePoint(time); }

TEST_CASE("BatchShelf: gives the items of all batches in the order of their arrival") {
  BatchShelf<int> shelf;
  shelf.add({1, 2}, at(1s));
  shelf.add({3}, at(2s));
  shelf.add({}, at(2s));
  shelf.add({4, 5}, at(3s));

  std::vector<int> taken;
  while (shelf.size() > 0) {
    std::optional<int> item;
    shelf.take(item);
    taken.push_back(*item);
  }

  CHECK(taken == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("BatchShelf: drops the batches that are too old, from the instant they are") {
  BatchShelf<int> shelf;
  shelf.add({1, 2, 3}, at(1s));
  shelf.add({4, 5}, at(2s));
  shelf.add({6}, at(3s));
  std::optional<int> item;
  shelf.take(item);

  CHECK(shelf.drop_old(at(1s - 1ns)) == 0);
  CHECK(shelf.drop_old(at(1s)) == 2);
  shelf.take(item);
  CHECK(*item == 4);
  CHECK(shelf.drop_old(at(3s)) == 2);
  CHECK(shelf.size() == 0);
}

TEST_CASE("BatchShelf: is used again after all was dropped") {
  BatchShelf<int> shelf;
  shelf.add({1, 2}, at(1s));
  shelf.add({3}, at(2s));

  CHECK(shelf.drop_all() == 3);
  CHECK(shelf.drop_all() == 0);
  shelf.add({4}, at(1s));
  std::optional<int> item;
  shelf.take(item);

  CHECK(*item == 4);
  CHECK(shelf.size() == 0);
}

TEST_CASE("BatchShelf: an item that cannot be moved stays") {
  struct Heavy {
    Heavy(int the_weight, bool& is_stuck) : weight(the_weight), stuck(&is_stuck) {}
    Heavy(const Heavy& other) : weight(other.weight), stuck(other.stuck) {
      if (*stuck) throw std::runtime_error("too heavy");
    }
    int weight;
    bool* stuck;
  };
  bool stuck = false;
  BatchShelf<Heavy> shelf;
  shelf.add({Heavy(7, stuck), Heavy(8, stuck)}, at(1s));
  std::optional<Heavy> item;

  stuck = true;
  CHECK_THROWS_WITH(shelf.take(item), "too heavy");
  CHECK(shelf.size() == 2);
  stuck = false;
  shelf.take(item);

  CHECK(item->weight == 7);
  CHECK(shelf.size() == 1);
}

}  // namespace
}  // namespace brigade
