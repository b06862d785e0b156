#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "brigade/runtime/clock.h"

namespace brigade::apps {

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

enum class Mode {
  kConstrained,    // the three dishes beside each other, each at its station
  kUnconstrained,  // beside each other, with no station to wait for
  kSequential,     // one server, who makes one order at a time, dish after dish
};

enum class KitchenEvent {
  kOrdered,
  kSodaStarted,
  kSodaReady,
  kBurgerAsked,
  kBurgerStarted,
  kBurgerReady,
  kFriesStarted,
  kFriesReady,
  kBatchStarted,
  kBatchReady,
  kServed,
};

/// One client. All but the arrival counts from the arrival, which is the intended one.
struct Visit {
  Nanoseconds arrival{};  // from the start
  Nanoseconds soda{};
  Nanoseconds burger{};
  Nanoseconds fries{};
  Nanoseconds service{};  // all three

  bool operator==(const Visit&) const = default;
};

/// Told of each event as it happens; `client` counts from 0.
using KitchenObserver =
    std::function<void(KitchenEvent event, std::size_t client, Nanoseconds since_arrival)>;

struct Scenario {
  Kitchen kitchen = kKitchen2022;
  Mode mode = Mode::kConstrained;
  ClockKind clock = ClockKind::kVirtual;
  double speed = 1;                   // of the real clock: 10 makes 10 s of the model last 1 s
  std::vector<Nanoseconds> arrivals;  // ascending; who arrive together are served in this order
  KitchenObserver observer;           // or none

  /// Told at the start what the loop asks the kernel by, if given.
  std::function<void(const std::string& back_end)> on_back_end = {};
};

/// The arrivals of an open loop: one every `period`, the first at 0.
std::vector<Nanoseconds> regular_arrivals(std::size_t clients, Nanoseconds period);

/// Runs a loop until every client is served. On the virtual clock the result is exact and the same
/// on every run; on the real one it is measured.
///
/// Errors:     std::invalid_argument for a kitchen without machine, cook or vat.
/// Complexity: four tasks per client in the restaurant.
/// Threads:    no loop may run on this one.
std::vector<Visit> serve_all(const Scenario& scenario);

}  // namespace brigade::apps
