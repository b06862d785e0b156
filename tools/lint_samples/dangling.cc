// What no tool finds here: the left-hand side of docs/coroutines.md.
#include <string_view>
#include <vector>

#include "task.h"

void spawn(Task<int> task);
Task<int> sell(std::string_view dish);

Task<int> cook(const std::string& dish) {
  const int before = co_await number(1);
  co_return before + static_cast<int>(dish.size());
}

void start_cooking() {
  std::string dish = "fries";
  spawn(cook(dish));  // The task runs when `dish` is gone.
}

void start_selling() {
  spawn(sell(std::string("soda")));  // The view outlives the string.
}

Task<int> collect(std::vector<std::string>& served, std::string dish) {
  served.push_back(dish);
  std::string& mine = served.back();
  mine = co_await text();  // Another task may have made the vector move its strings.
  co_return 0;
}

Task<int> swallow() {
  try {
    co_return co_await number(1);
  } catch (...) {  // A cancel as well: the task cannot be stopped here.
    co_return 0;
  }
}
