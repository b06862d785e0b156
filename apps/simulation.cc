#include "brigade/apps/simulation.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/sync/batch_cache.h"
#include "brigade/sync/lock.h"
#include "brigade/sync/semaphore.h"

namespace brigade::apps {
namespace {

constexpr std::uint64_t kOrderStream = 1;
constexpr std::uint64_t kFirstStationStream = 2;

struct Portion {};

struct Vat {
  Vat(std::size_t portions, BatchCache<Portion>::Refill refill)
      : cache(portions, std::move(refill)) {}
  BatchCache<Portion> cache;
  bool taken = false;
};

/// A station that is open: who has a permit has one of its places, or one of its vats.
struct OpenStation {
  explicit OpenStation(std::size_t count) : permits(count) {}

  /// A vat that nobody is at, with portions if there is one.
  std::size_t free_vat() const {
    std::size_t best = vats.size();
    for (std::size_t i = 0; i < vats.size(); ++i) {
      if (vats[i].taken) continue;
      if (vats[i].cache.available() > 0) return i;
      best = std::min(best, i);
    }
    return best;
  }

  Semaphore permits;
  std::deque<Vat> vats;
  std::uint64_t batches = 0;
};

class Service {
 public:
  explicit Service(const Simulation& simulation);

  /// Lets the clients in, each at its time on the absolute clock, so that no delay adds up.
  Task<void> open();

  Record take_record() { return std::move(record_); }

 private:
  Task<void> user();
  Task<void> serve(std::size_t client);
  Task<void> serve_together(std::size_t client, const Order& order);
  Task<void> prepare(std::size_t client, std::size_t need);
  Task<void> make(std::size_t client, std::size_t need);
  Task<void> use(std::size_t client, std::size_t need);
  Task<void> take_portion(std::size_t client, std::size_t need);
  Task<std::vector<Portion>> fill(std::size_t station, std::size_t portions);

  std::size_t admit(Nanoseconds arrival);
  void finish(std::size_t client);
  void count_present(std::ptrdiff_t change);
  bool user_goes_on() const;

  void tell(Moment moment, std::size_t client, std::size_t station = 0) const;
  const Order& order(std::size_t client) const {
    return scenario_.orders[record_.clients[client].order];
  }
  Step& step(std::size_t client, std::size_t need) {
    return record_.steps[record_.clients[client].first_step + need];
  }
  SleepUntil work(std::size_t station, std::uint64_t index) const;
  Nanoseconds real(Nanoseconds nominal) const;
  Nanoseconds now() const;

  const Simulation& simulation_;
  const Scenario& scenario_;
  const double speed_;
  Record record_;
  std::deque<OpenStation> stations_;
  Lock server_;
  double weights_ = 0;
  TimePoint start_{};
  std::size_t present_ = 0;
  Nanoseconds counted_{};  // until when record_.presence is
};

Service::Service(const Simulation& simulation)
    : simulation_(simulation),
      scenario_(simulation.scenario),
      speed_(simulation.clock == ClockKind::kVirtual ? 1 : simulation.speed) {
  const bool closed = simulation.load.pattern == Load::Pattern::kClosed;
  const std::size_t clients =
      closed ? kMaxClients : std::max<std::size_t>(simulation.arrivals.size(), 1);
  for (std::size_t s = 0; s < scenario_.stations.size(); ++s) {
    const Station& station = scenario_.stations[s];
    if (station.places() == 0)
      throw std::invalid_argument("station " + station.name + " has no place");
    OpenStation& open = stations_.emplace_back(station.count);
    if (station.kind != Station::Kind::kBatch) continue;
    // Vats and portions that nobody will need take no memory.
    for (std::size_t i = 0; i < std::min(station.count, clients); ++i)
      open.vats.emplace_back(std::min(station.batch, clients),
                             [this, s](std::size_t portions) { return fill(s, portions); });
  }
  for (const Order& type : scenario_.orders) weights_ += type.weight;
  if (!closed) {
    record_.clients.reserve(simulation.arrivals.size());
    if (scenario_.orders.size() == 1)
      record_.steps.reserve(simulation.arrivals.size() * scenario_.orders[0].needs.size());
  }
}

Nanoseconds Service::real(Nanoseconds nominal) const {
  if (speed_ == 1) return nominal;
  return to_nanoseconds(std::chrono::duration<long double, std::nano>(nominal) / speed_);
}

Nanoseconds Service::now() const {
  const Nanoseconds measured = Loop::current().now() - start_;
  if (speed_ == 1) return measured;
  return to_nanoseconds(std::chrono::duration<long double, std::nano>(measured) * speed_);
}

SleepUntil Service::work(std::size_t station, std::uint64_t index) const {
  const RandomStream stream{simulation_.load.seed, kFirstStationStream + station};
  return sleep(real(scenario_.stations[station].time.draw(stream, index)));
}

void Service::tell(Moment moment, std::size_t client, std::size_t station) const {
  if (!simulation_.observer) return;
  simulation_.observer({moment, client, station, now() - record_.clients[client].arrival});
}

void Service::count_present(std::ptrdiff_t change) {
  const Nanoseconds until = now();
  record_.presence +=
      static_cast<long double>(present_) * static_cast<long double>((until - counted_).count());
  counted_ = until;
  present_ += static_cast<std::size_t>(change);
}

std::size_t Service::admit(Nanoseconds arrival) {
  const std::size_t index = record_.clients.size();
  std::uint32_t type = 0;
  if (scenario_.orders.size() > 1) {
    double left = RandomStream{simulation_.load.seed, kOrderStream}.at(index) * weights_;
    while (type + 1 < scenario_.orders.size() && left >= scenario_.orders[type].weight)
      left -= scenario_.orders[type++].weight;
  }
  record_.clients.push_back(
      {.arrival = arrival, .first_step = record_.steps.size(), .order = type});
  record_.steps.resize(record_.steps.size() + scenario_.orders[type].needs.size());
  count_present(1);
  return index;
}

void Service::finish(std::size_t index) {
  Client& client = record_.clients[index];
  const Nanoseconds end = now();
  client.service = end - client.arrival;
  record_.elapsed = std::max(record_.elapsed, end);
  count_present(-1);
  tell(Moment::kServed, index);
}

Task<void> Service::open() {
  start_ = Loop::current().now();
  if (simulation_.load.pattern == Load::Pattern::kClosed) {
    for (std::size_t i = 0; i < simulation_.load.users; ++i) static_cast<void>(spawn(user()));
    co_return;
  }
  for (const Nanoseconds arrival : simulation_.arrivals) {
    const TimePoint due = start_ + real(arrival);
    if (due > Loop::current().now()) co_await sleep_until(due);
    static_cast<void>(spawn(serve(admit(arrival))));
  }
}

bool Service::user_goes_on() const {
  const Load& load = simulation_.load;
  if (load.clients > 0 && record_.clients.size() >= load.clients) return false;
  return load.duration == Nanoseconds::zero() || now() < load.duration;
}

Task<void> Service::user() {
  while (user_goes_on()) {
    const std::size_t client = admit(now());
    co_await serve(client);
    if (simulation_.load.think > Nanoseconds::zero()) co_await sleep(real(simulation_.load.think));
  }
}

Task<void> Service::serve(std::size_t client) {
  const Order& its = order(client);
  if (simulation_.mode == Mode::kSequential) {
    const Lock::Guard server = co_await server_.acquire();
    tell(Moment::kOrdered, client);
    for (std::size_t i = 0; i < its.needs.size(); ++i) co_await make(client, i);
    finish(client);
    co_return;
  }
  tell(Moment::kOrdered, client);
  if (its.sequence || its.needs.size() == 1) {
    for (std::size_t i = 0; i < its.needs.size(); ++i) co_await prepare(client, i);
  } else {
    co_await serve_together(client, its);
  }
  finish(client);
}

Task<void> Service::serve_together(std::size_t client, const Order& its) {
  std::vector<TaskHandle<void>> needs;
  needs.reserve(its.needs.size());
  for (std::size_t i = 0; i < its.needs.size(); ++i) needs.push_back(spawn(prepare(client, i)));
  for (const TaskHandle<void>& need : needs) co_await need;
}

Task<void> Service::prepare(std::size_t client, std::size_t need) {
  if (simulation_.mode == Mode::kUnconstrained) return make(client, need);
  const Station& station = scenario_.stations[order(client).needs[need]];
  return station.kind == Station::Kind::kBatch ? take_portion(client, need) : use(client, need);
}

Task<void> Service::make(std::size_t client, std::size_t need) {
  const std::size_t station = order(client).needs[need];
  step(client, need).asked = step(client, need).started = now();
  tell(Moment::kAsked, client, station);
  tell(Moment::kStarted, client, station);
  co_await work(station, client);
  step(client, need).ready = now();
  tell(Moment::kReady, client, station);
}

Task<void> Service::use(std::size_t client, std::size_t need) {
  const std::size_t station = order(client).needs[need];
  step(client, need).asked = now();
  tell(Moment::kAsked, client, station);
  const Semaphore::Permit place = co_await stations_[station].permits.acquire();
  step(client, need).started = now();
  tell(Moment::kStarted, client, station);
  co_await work(station, client);
  step(client, need).ready = now();
  tell(Moment::kReady, client, station);
}

Task<void> Service::take_portion(std::size_t client, std::size_t need) {
  const std::size_t station = order(client).needs[need];
  OpenStation& open = stations_[station];
  step(client, need).asked = now();
  tell(Moment::kAsked, client, station);
  // The clients of the tutorials go to the vat one by one.
  const Semaphore::Permit place = co_await open.permits.acquire();
  const Nanoseconds started = step(client, need).started = now();
  tell(Moment::kStarted, client, station);
  const std::size_t index = open.free_vat();
  Vat& vat = open.vats[index];
  const bool empty = vat.cache.available() == 0;
  if (empty) tell(Moment::kBatchStarted, client, station);
  vat.taken = true;
  co_await vat.cache.get();
  vat.taken = false;
  if (empty) {
    record_.batches.push_back({station, index, client, started, now()});
    tell(Moment::kBatchReady, client, station);
  }
  step(client, need).ready = now();
  tell(Moment::kReady, client, station);
}

Task<std::vector<Portion>> Service::fill(std::size_t station, std::size_t portions) {
  co_await work(station, stations_[station].batches++);
  co_return std::vector<Portion>(portions);
}

}  // namespace

Record simulate(const Simulation& simulation) {
  Service service(simulation);
  std::exception_ptr failure;
  LoopOptions options;
  options.clock = simulation.clock;
  options.on_unhandled_error = [&failure](const TaskRef& task) { failure = task.error(); };
  {
    Loop loop(std::move(options));
    static_cast<void>(loop.spawn(service.open(), "door"));
    loop.run_until_idle();
  }
  if (failure) std::rethrow_exception(failure);
  return service.take_record();
}

}  // namespace brigade::apps
