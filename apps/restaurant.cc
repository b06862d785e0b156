#include "brigade/apps/restaurant.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/semaphore.h"

namespace brigade::apps {
namespace {

struct Portion {};

class Restaurant {
 public:
  explicit Restaurant(const Scenario& scenario);

  /// Lets the clients in, each at its time on the absolute clock, so that no delay adds up.
  Task<void> open();

  std::vector<Visit> take_visits() { return std::move(visits_); }

 private:
  Task<void> serve(std::size_t client);
  Task<void> serve_sequentially(std::size_t client);
  Task<void> prepare(Dish dish, std::size_t client);
  Task<void> get_soda(std::size_t client);
  Task<void> get_burger(std::size_t client);
  Task<void> get_fries(std::size_t client);
  Task<void> make(Dish dish, std::size_t client);
  Task<std::vector<Portion>> fry(std::size_t portions);

  SleepUntil work(Nanoseconds time) const { return sleep(real(time)); }
  void ready(Dish dish, std::size_t client);
  void tell(KitchenEvent event, std::size_t client) const;

  Nanoseconds real(Nanoseconds nominal) const;
  TimePoint arrival_of(std::size_t client) const;
  Nanoseconds since_arrival(std::size_t client) const;

  const Scenario& scenario_;
  const Kitchen& kitchen_;
  const double speed_;
  std::vector<Visit> visits_;
  TimePoint start_{};
  Semaphore soda_machines_;
  Semaphore cooks_;
  Lock vat_lock_;  // The clients of the tutorials go to the vat one by one.
  BatchCache<Portion> vat_;
  Lock server_;
};

Restaurant::Restaurant(const Scenario& scenario)
    : scenario_(scenario),
      kitchen_(scenario.kitchen),
      speed_(scenario.clock == ClockKind::kVirtual ? 1 : scenario.speed),
      visits_(scenario.arrivals.size()),
      soda_machines_(kitchen_.soda_machines),
      cooks_(kitchen_.cooks),
      // Portions that nobody will eat need no memory.
      vat_(std::min(kitchen_.vat_size, std::max<std::size_t>(visits_.size(), 1)),
           [this](std::size_t portions) { return fry(portions); }) {}

Nanoseconds Restaurant::real(Nanoseconds nominal) const {
  if (speed_ == 1) return nominal;
  return to_nanoseconds(std::chrono::duration<long double, std::nano>(nominal) / speed_);
}

TimePoint Restaurant::arrival_of(std::size_t client) const {
  return start_ + real(visits_[client].arrival);
}

Nanoseconds Restaurant::since_arrival(std::size_t client) const {
  const Nanoseconds measured = Loop::current().now() - arrival_of(client);
  if (speed_ == 1) return measured;
  return to_nanoseconds(std::chrono::duration<long double, std::nano>(measured) * speed_);
}

void Restaurant::tell(KitchenEvent event, std::size_t client) const {
  if (scenario_.observer) scenario_.observer(event, client, since_arrival(client));
}

void Restaurant::ready(Dish dish, std::size_t client) {
  Visit& visit = visits_[client];
  switch (dish) {
    case Dish::kSoda:
      visit.soda = since_arrival(client);
      return tell(KitchenEvent::kSodaReady, client);
    case Dish::kBurger:
      visit.burger = since_arrival(client);
      return tell(KitchenEvent::kBurgerReady, client);
    case Dish::kFries:
      visit.fries = since_arrival(client);
      return tell(KitchenEvent::kFriesReady, client);
  }
}

Task<void> Restaurant::open() {
  start_ = Loop::current().now();
  const bool sequential = scenario_.mode == Mode::kSequential;
  for (std::size_t client = 0; client < visits_.size(); ++client) {
    visits_[client].arrival = scenario_.arrivals[client];
    const TimePoint arrival = arrival_of(client);
    if (arrival > Loop::current().now()) co_await sleep_until(arrival);
    static_cast<void>(spawn(sequential ? serve_sequentially(client) : serve(client)));
  }
}

Task<void> Restaurant::serve(std::size_t client) {
  tell(KitchenEvent::kOrdered, client);
  const auto& order = kitchen_.launch_order;
  const TaskHandle<void> first = spawn(prepare(order[0], client));
  const TaskHandle<void> second = spawn(prepare(order[1], client));
  const TaskHandle<void> third = spawn(prepare(order[2], client));
  co_await first;
  co_await second;
  co_await third;
  visits_[client].service = since_arrival(client);
  tell(KitchenEvent::kServed, client);
}

Task<void> Restaurant::serve_sequentially(std::size_t client) {
  const Lock::Guard server = co_await server_.acquire();
  tell(KitchenEvent::kOrdered, client);
  co_await make(Dish::kBurger, client);
  co_await make(Dish::kFries, client);
  co_await make(Dish::kSoda, client);
  visits_[client].service = since_arrival(client);
  tell(KitchenEvent::kServed, client);
}

Task<void> Restaurant::prepare(Dish dish, std::size_t client) {
  if (scenario_.mode == Mode::kUnconstrained) return make(dish, client);
  if (dish == Dish::kSoda) return get_soda(client);
  if (dish == Dish::kBurger) return get_burger(client);
  return get_fries(client);
}

Task<void> Restaurant::get_soda(std::size_t client) {
  const Semaphore::Permit machine = co_await soda_machines_.acquire();
  tell(KitchenEvent::kSodaStarted, client);
  co_await work(kitchen_.soda_time);
  ready(Dish::kSoda, client);
}

Task<void> Restaurant::get_burger(std::size_t client) {
  tell(KitchenEvent::kBurgerAsked, client);
  const Semaphore::Permit cook = co_await cooks_.acquire();
  tell(KitchenEvent::kBurgerStarted, client);
  co_await work(kitchen_.burger_time);
  ready(Dish::kBurger, client);
}

Task<void> Restaurant::get_fries(std::size_t client) {
  const Lock::Guard guard = co_await vat_lock_.acquire();
  tell(KitchenEvent::kFriesStarted, client);
  const bool empty = vat_.available() == 0;
  if (empty) tell(KitchenEvent::kBatchStarted, client);
  co_await vat_.get();
  if (empty) tell(KitchenEvent::kBatchReady, client);
  ready(Dish::kFries, client);
}

Task<std::vector<Portion>> Restaurant::fry(std::size_t portions) {
  co_await work(kitchen_.fries_time);
  co_return std::vector<Portion>(portions);
}

Task<void> Restaurant::make(Dish dish, std::size_t client) {
  switch (dish) {
    case Dish::kSoda:
      tell(KitchenEvent::kSodaStarted, client);
      co_await work(kitchen_.soda_time);
      break;
    case Dish::kBurger:
      tell(KitchenEvent::kBurgerAsked, client);
      co_await work(kitchen_.burger_time);
      break;
    case Dish::kFries:
      tell(KitchenEvent::kFriesStarted, client);
      co_await work(kitchen_.fries_time);
      break;
  }
  ready(dish, client);
}

// Asking the loop would set up a back end that the virtual clock does without.
std::string back_end_of(Loop& loop, ClockKind clock) {
  if (clock == ClockKind::kVirtual) return "virtual clock: asks the kernel for nothing";
  return loop.capabilities().to_string();
}

}  // namespace

std::vector<Nanoseconds> regular_arrivals(std::size_t clients, Nanoseconds period) {
  std::vector<Nanoseconds> arrivals(clients);
  for (std::size_t i = 1; i < clients; ++i) arrivals[i] = arrivals[i - 1] + period;
  return arrivals;
}

std::vector<Visit> serve_all(const Scenario& scenario) {
  Restaurant restaurant(scenario);
  std::exception_ptr failure;
  LoopOptions options;
  options.clock = scenario.clock;
  options.on_unhandled_error = [&failure](const TaskRef& task) { failure = task.error(); };
  {
    Loop loop(std::move(options));
    if (scenario.on_back_end) scenario.on_back_end(back_end_of(loop, scenario.clock));
    static_cast<void>(loop.spawn(restaurant.open(), "door"));
    loop.run_until_idle();
  }
  if (failure) std::rethrow_exception(failure);
  return restaurant.take_visits();
}

}  // namespace brigade::apps
