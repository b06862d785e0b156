#include "brigade/apps/restaurant.h"

namespace brigade::apps {

Scenario restaurant(const Kitchen& kitchen, Mode mode) {
  const auto station = [](const char* name, Station::Kind kind, Nanoseconds time) {
    Station made;
    made.name = made.unit = name;
    made.kind = kind;
    made.time = Distribution(time);
    return made;
  };
  Station soda = station("soda", Station::Kind::kSemaphore, kitchen.soda_time);
  soda.count = kitchen.soda_machines;
  soda.says = "the soda machines fill";
  Station burger = station("burger", Station::Kind::kSemaphore, kitchen.burger_time);
  burger.count = kitchen.cooks;
  burger.unit = "cook";
  burger.says = "the cooks make";
  burger.cost = 0.333;
  Station fries = station("fries", Station::Kind::kBatch, kitchen.fries_time);
  fries.batch = kitchen.vat_size;
  fries.unit = "vat";
  fries.says = "the vat fries";
  fries.cost = 0.2;

  // In sequence, the tutorials' server begins with the burger.
  std::array<Dish, 3> dishes = kitchen.launch_order;
  if (mode == Mode::kSequential) dishes = {Dish::kBurger, Dish::kFries, Dish::kSoda};
  Order order;
  order.name = "order";
  for (const Dish dish : dishes) order.needs.push_back(static_cast<std::size_t>(dish));
  return {"restaurant", {soda, burger, fries}, {order}, true};
}

}  // namespace brigade::apps
