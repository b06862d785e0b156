#include "brigade/runtime/intrusive_list.h"

#include <deque>
#include <list>
#include <random>
#include <string>

#include "doctest/doctest.h"

namespace brigade {
namespace {

struct Item : ListNode<Item> {
  explicit Item(char name) noexcept : letter(name) {}
  char letter;
};

std::string letters(const IntrusiveList<Item>& list) {
  std::string all;
  list.for_each([&](const Item& item) { all += item.letter; });
  return all;
}

TEST_CASE("IntrusiveList: is a FIFO") {
  Item a('a'), b('b'), c('c');
  IntrusiveList<Item> list;
  CHECK(list.empty());

  list.push_back(a);
  list.push_back(b);
  list.push_back(c);

  CHECK(letters(list) == "abc");
  CHECK(&list.front() == &a);
  CHECK(&list.pop_front() == &a);
  CHECK_FALSE(a.linked());
  CHECK(&list.pop_front() == &b);
  CHECK(&list.pop_front() == &c);
  CHECK(list.empty());
}

TEST_CASE("IntrusiveList: an object leaves from wherever it stands, and may come back") {
  Item a('a'), b('b'), c('c');
  IntrusiveList<Item> list;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);

  b.unlink();
  CHECK(letters(list) == "ac");
  CHECK_FALSE(b.linked());
  b.unlink();  // Stands in no list: nothing to do.
  list.push_back(b);
  CHECK(letters(list) == "acb");
  b.unlink();
  a.unlink();
  CHECK(letters(list) == "c");
  c.unlink();

  CHECK(list.empty());
}

TEST_CASE("IntrusiveList: append moves all behind what is here") {
  Item a('a'), b('b'), c('c'), d('d');
  IntrusiveList<Item> front;
  IntrusiveList<Item> back;
  front.push_back(a);
  front.push_back(b);
  back.push_back(c);
  back.push_back(d);

  front.append(back);
  CHECK(letters(front) == "abcd");
  CHECK(back.empty());
  front.append(back);

  CHECK(letters(front) == "abcd");
}

TEST_CASE("IntrusiveList: agrees with std::list in random operations") {
  std::mt19937 random(1);
  std::deque<Item> items;
  for (char letter = 'a'; letter <= 'z'; ++letter) items.emplace_back(letter);
  IntrusiveList<Item> list;
  std::list<char> model;

  for (int i = 0; i < 20'000; ++i) {
    Item& item = items[random() % items.size()];
    const bool pop = random() % 4 == 0 && !model.empty();
    if (pop) {
      REQUIRE(list.pop_front().letter == model.front());
      model.pop_front();
    } else if (item.linked()) {
      item.unlink();
      model.remove(item.letter);
    } else {
      list.push_back(item);
      model.push_back(item.letter);
    }
    REQUIRE(letters(list) == std::string(model.begin(), model.end()));
    REQUIRE(list.empty() == model.empty());
  }
}

}  // namespace
}  // namespace brigade
