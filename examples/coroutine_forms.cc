// The right-hand side of docs/coroutines.md.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"

using namespace brigade;

Task<bool> is_open(int shop) {
  co_await yield_now();
  co_return shop % 2 == 1;
}

Task<std::string> order(std::string dish) {
  co_await yield_now();
  co_return "one " + dish;
}

Task<std::string> order_all(std::vector<std::string> dishes) {
  std::string all;
  for (const std::string& dish : dishes) all += " " + dish;
  co_return "all of" + all;
}

// Captures.

TaskHandle<std::string> start_order(std::string dish) {
  const auto body = [](std::string wanted) -> Task<std::string> {
    std::string served = co_await order(wanted);
    co_return served;
  };
  return spawn(body(std::move(dish)));
}

// References.

Task<void> cook(std::string dish) {
  co_await yield_now();
  std::printf("cooked: %s\n", dish.c_str());
}

TaskHandle<void> start_cooking() {
  std::string dish = "fries";
  return spawn(cook(dish));  // The task has a copy of its own.
}

// What GCC 12 miscompiles.

Task<void> visit(int shop) {
  const bool open = co_await is_open(shop);
  if (open) std::printf("shop %d is open\n", shop);
}

Task<std::string> choose(bool hungry) {
  if (hungry) {
    std::string dish = co_await order("burger");
    co_return dish;
  }
  co_return "nothing";
}

Task<std::string> order_two() {
  std::vector<std::string> dishes{"fries", "soda"};
  std::string served = co_await order_all(std::move(dishes));
  co_return served;
}

Task<std::unique_ptr<std::string>> keep() {
  std::string served = co_await order("soda");
  co_return std::make_unique<std::string>(std::move(served));
}

// A place in a container.

Task<void> collect(std::vector<std::string>& served, std::string dish) {
  std::string one = co_await order(std::move(dish));
  served.push_back(std::move(one));
}

Task<void> show_all() {
  const TaskHandle<std::string> ordered = start_order("burger");
  const std::string first = co_await ordered;
  std::printf("%s\n", first.c_str());
  const TaskHandle<void> cooking = start_cooking();
  co_await cooking;
  co_await visit(1);
  co_await visit(2);
  const std::string chosen = co_await choose(true);
  const std::string two = co_await order_two();
  const std::unique_ptr<std::string> kept = co_await keep();
  std::vector<std::string> served;
  co_await gather(collect(served, "tea"), collect(served, "cake"));
  std::printf("%s; %s; %s; %zu served\n", chosen.c_str(), two.c_str(), kept->c_str(),
              served.size());
}

int main() { run(show_all()); }
