#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "brigade/apps/scenario.h"
#include "brigade/apps/simulation.h"

namespace brigade::apps {

/// Also the index of its station in restaurant().
enum class Dish { kSoda, kBurger, kFries };

/// The counter of the tutorials: soda machines, cooks, and a vat that fries a batch at a time.
struct Kitchen {
  std::size_t soda_machines = 1;
  Nanoseconds soda_time = std::chrono::seconds(1);
  std::size_t cooks = 3;
  Nanoseconds burger_time = std::chrono::seconds(3);
  std::size_t vat_size = 5;
  Nanoseconds fries_time = std::chrono::seconds(4);
  std::array<Dish, 3> launch_order = {Dish::kSoda, Dish::kFries, Dish::kBurger};
};

inline constexpr Kitchen kKitchen2022{};
inline constexpr Kitchen kKitchen2015{
    .soda_time = std::chrono::seconds(2),
    .burger_time = std::chrono::seconds(4),
    .fries_time = std::chrono::seconds(8),
    .launch_order = {Dish::kBurger, Dish::kFries, Dish::kSoda},
};
/// The tutorial's answer for two clients a second.
inline constexpr Kitchen kKitchenSolution{.soda_machines = 2, .cooks = 6, .vat_size = 8};

/// The stations soda, burger and fries, and one order that needs all of them: together, but one
/// after the other in the sequential mode.
Scenario restaurant(const Kitchen& kitchen, Mode mode = Mode::kConstrained);

}  // namespace brigade::apps
