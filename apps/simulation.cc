#include "brigade/apps/simulation.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <utility>

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

  void run();

  Record take_record() { return std::move(record_); }

 private:
  Task<void> serve(std::size_t client);
  Task<void> serve_together(std::size_t client, const Order& order);
  Task<void> prepare(std::size_t client, std::size_t need);
  Task<void> make(std::size_t client, std::size_t need);
  Task<void> use(std::size_t client, std::size_t need);
  Task<void> take_portion(std::size_t client, std::size_t need);
  Task<std::vector<Portion>> fill(std::size_t station, std::size_t portions);

  void choose_order(std::size_t client);
  void tell(Moment moment, std::size_t client, std::size_t station = 0) const;
  const Order& order(std::size_t client) const {
    return scenario_.orders[record_.clients[client].order];
  }
  Step& step(std::size_t client, std::size_t need) {
    return record_.steps[record_.clients[client].first_step + need];
  }
  SleepUntil work(std::size_t station, std::uint64_t index) const;
  Nanoseconds now() const { return generator_.now(); }

  const Simulation& simulation_;
  const Scenario& scenario_;
  Record record_;
  Generator generator_;
  std::deque<OpenStation> stations_;
  Lock server_;
  double weights_ = 0;
};

Service::Service(const Simulation& simulation)
    : simulation_(simulation),
      scenario_(simulation.scenario),
      generator_(simulation.load, simulation.arrivals, simulation.clock, simulation.speed,
                 record_) {
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
  if (scenario_.orders.size() == 1)
    record_.steps.reserve(simulation.arrivals.size() * scenario_.orders[0].needs.size());
}

void Service::run() {
  generator_.run([this](std::size_t client) { return serve(client); }, simulation_.begin);
}

SleepUntil Service::work(std::size_t station, std::uint64_t index) const {
  const RandomStream stream{simulation_.load.seed, kFirstStationStream + station};
  return sleep(generator_.real(scenario_.stations[station].time.draw(stream, index)));
}

void Service::tell(Moment moment, std::size_t client, std::size_t station) const {
  if (!simulation_.observer) return;
  simulation_.observer({moment, client, station, now() - record_.clients[client].arrival});
}

void Service::choose_order(std::size_t index) {
  std::uint32_t type = 0;
  if (scenario_.orders.size() > 1) {
    double left = RandomStream{simulation_.load.seed, kOrderStream}.at(index) * weights_;
    while (type + 1 < scenario_.orders.size() && left >= scenario_.orders[type].weight)
      left -= scenario_.orders[type++].weight;
  }
  record_.clients[index].order = type;
  record_.clients[index].first_step = record_.steps.size();
  record_.steps.resize(record_.steps.size() + scenario_.orders[type].needs.size());
}

Task<void> Service::serve(std::size_t client) {
  choose_order(client);
  const Order& its = order(client);
  if (simulation_.mode == Mode::kSequential) {
    const Lock::Guard server = co_await server_.acquire();
    tell(Moment::kOrdered, client);
    for (std::size_t i = 0; i < its.needs.size(); ++i) co_await make(client, i);
    tell(Moment::kServed, client);
    co_return;
  }
  tell(Moment::kOrdered, client);
  if (its.sequence || its.needs.size() == 1) {
    for (std::size_t i = 0; i < its.needs.size(); ++i) co_await prepare(client, i);
  } else {
    co_await serve_together(client, its);
  }
  tell(Moment::kServed, client);
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
  service.run();
  return service.take_record();
}

}  // namespace brigade::apps
