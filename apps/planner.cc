#include "brigade/apps/planner.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>

#include "brigade/apps/capacity.h"

namespace brigade::apps {
namespace {

constexpr std::size_t kMaxConfigurations = 1'000'000;

class Planner {
 public:
  Planner(const Question& question, const std::atomic<bool>& stop, const Progress& progress)
      : question_(question), stop_(stop), progress_(progress) {
    if (const auto rate = offered_rate(question.simulation.load)) rate_ = *rate;
  }

  std::vector<Outcome> grid() const;
  Outcome today() const;
  void measure(Outcome& outcome) const;
  void find_knee(Outcome& outcome) const;

  /// Runs work(0), ..., work(count - 1) on several threads, until it is told to stop; returns how
  /// many, from the first on, were done.
  std::size_t share(std::size_t threads, std::size_t count,
                    const std::function<void(std::size_t)>& work);

  void plan_steps(std::size_t count) { all_ += count; }

 private:
  Simulation configured(const Outcome& outcome) const;
  bool holds(const Simulation& simulation) const;

  const Question& question_;
  const std::atomic<bool>& stop_;
  const Progress& progress_;
  double rate_ = 0;  // clients a second
  std::size_t done_ = 0, all_ = 0;
};

Simulation Planner::configured(const Outcome& outcome) const {
  Simulation simulation = question_.simulation;
  for (std::size_t i = 0; i < outcome.places.size(); ++i)
    places_of(simulation.scenario, question_.axes[i].name) = outcome.places[i];
  return simulation;
}

std::vector<Outcome> Planner::grid() const {
  std::vector<Outcome> outcomes(1);
  for (const Axis& axis : question_.axes) {
    const std::size_t length = axis.last - axis.first + 1;
    if (length > kMaxConfigurations / outcomes.size())
      throw std::invalid_argument("over 1000000 configurations; accepted are fewer");
    std::vector<Outcome> longer;
    longer.reserve(outcomes.size() * length);
    for (const Outcome& outcome : outcomes) {
      for (std::size_t places = axis.first; places <= axis.last; ++places) {
        longer.push_back(outcome);
        longer.back().places.push_back(places);
      }
    }
    outcomes = std::move(longer);
  }
  return outcomes;
}

Outcome Planner::today() const {
  Outcome outcome;
  Scenario scenario = question_.simulation.scenario;
  for (const Axis& axis : question_.axes) outcome.places.push_back(places_of(scenario, axis.name));
  return outcome;
}

bool Planner::holds(const Simulation& simulation) const {
  const Statistics statistics = statistics_of(simulation, simulate(simulation), question_.target);
  return std::all_of(question_.goals.begin(), question_.goals.end(),
                     [&](const Goal& goal) { return goal.met(simulation.scenario, statistics); });
}

void Planner::measure(Outcome& outcome) const {
  const Simulation simulation = configured(outcome);
  const Scenario& scenario = simulation.scenario;
  const std::vector<Station>& today = question_.simulation.scenario.stations;
  for (std::size_t i = 0; i < today.size(); ++i) {
    const std::size_t now = scenario.stations[i].places(), before = today[i].places();
    if (now > before) outcome.cost += today[i].cost * static_cast<double>(now - before);
  }
  const Capacity capacity = capacity_of(scenario, simulation.load);
  outcome.capacity = capacity.stations[capacity.bottleneck].rate;

  const Statistics statistics = statistics_of(simulation, simulate(simulation), question_.target);
  outcome.met = std::all_of(question_.goals.begin(), question_.goals.end(),
                            [&](const Goal& goal) { return goal.met(scenario, statistics); });
  outcome.value = question_.goals[0].value(scenario, statistics);
  outcome.measured = question_.goals[0].measured(scenario, statistics);
  outcome.satisfied = statistics.satisfied;
  outcome.clients = statistics.clients;
  outcome.mean = statistics.mean;
  outcome.p95 = statistics.percentile(95);
  outcome.max = statistics.max;
}

void Planner::find_knee(Outcome& outcome) const {
  constexpr int kCoarse = 10, kLast = 1000;  // % of the capacity
  if (!question_.knees || rate_ == 0) return;
  Simulation simulation = configured(outcome);
  const auto holds_at = [&](int percent) {
    const double closer = outcome.capacity * percent / 100 / rate_;
    for (std::size_t i = 0; i < simulation.arrivals.size(); ++i)
      simulation.arrivals[i] = to_nanoseconds(
          std::chrono::duration<double, std::nano>(question_.simulation.arrivals[i]) / closer);
    return holds(simulation);
  };
  int held = 0;
  while (held < kLast && !stop_ && holds_at(held + kCoarse)) held += kCoarse;
  for (int limit = held + kCoarse - 1; held < limit && !stop_ && holds_at(held + 1);) ++held;
  if (!stop_ && held < kLast) outcome.knee = outcome.capacity * held / 100;
}

std::size_t Planner::share(std::size_t threads, std::size_t count,
                           const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards what is told, and a failure
  std::exception_ptr failure;
  const auto run = [&] {
    while (!stop_) {
      const std::size_t index = next++;
      if (index >= count) return;
      try {
        work(index);
      } catch (...) {
        const std::lock_guard guard(mutex);
        failure = std::current_exception();
        next = count;
      }
      const std::lock_guard guard(mutex);
      ++done_;
      if (progress_) progress_(done_, all_);
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
  return std::min<std::size_t>(next, count);
}

// What is taken away saves nothing: of equal ones the last of the grid keeps the most.

/// The cheapest that meets the goals; of equally cheap ones the best.
const Outcome* cheapest_of(const std::vector<Outcome>& outcomes, bool less_is_better) {
  const Outcome* best = nullptr;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.met) continue;
    const bool better =
        best == nullptr || outcome.cost < best->cost ||
        (outcome.cost == best->cost &&
         (less_is_better ? outcome.value <= best->value : outcome.value >= best->value));
    if (better) best = &outcome;
  }
  return best;
}

std::vector<Outcome> pareto_of(const std::vector<Outcome>& outcomes, bool less_is_better) {
  const auto key = [&](std::size_t i) {
    const long double value = outcomes[i].value;
    return std::tuple(outcomes[i].cost, less_is_better ? value : -value, outcomes.size() - i);
  };
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  std::vector<Outcome> front;
  std::optional<long double> best;
  for (const std::size_t i : order) {
    const long double value = std::get<1>(key(i));
    if (best && value >= *best) continue;
    best = value;
    front.push_back(outcomes[i]);
  }
  return front;
}

std::vector<Outcome> one_more_of_each(const Outcome& outcome) {
  std::vector<Outcome> outcomes(outcome.places.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    outcomes[i].places = outcome.places;
    ++outcomes[i].places[i];
  }
  return outcomes;
}

}  // namespace

Plan make_plan(const Question& question, std::size_t threads, const std::atomic<bool>& stop,
               const Progress& progress) {
  Planner planner(question, stop, progress);
  Plan plan;
  plan.outcomes = planner.grid();
  plan.configurations = plan.outcomes.size();
  plan.today = planner.today();
  planner.measure(plan.today);
  plan.one_more_today = one_more_of_each(plan.today);
  for (Outcome& outcome : plan.one_more_today) planner.measure(outcome);

  planner.plan_steps(plan.configurations * (question.knees ? 2 : 1));
  const std::size_t done = planner.share(threads, plan.configurations,
                                         [&](std::size_t i) { planner.measure(plan.outcomes[i]); });
  plan.outcomes.resize(done);
  if (question.knees)
    planner.share(threads, done, [&](std::size_t i) { planner.find_knee(plan.outcomes[i]); });

  const bool less = question.goals[0].less_is_better();
  planner.find_knee(plan.today);
  for (Outcome& outcome : plan.one_more_today) planner.find_knee(outcome);
  if (const Outcome* const cheapest = cheapest_of(plan.outcomes, less)) {
    plan.cheapest = *cheapest;
    plan.one_more_cheapest = one_more_of_each(*cheapest);
    for (Outcome& outcome : plan.one_more_cheapest) {
      planner.measure(outcome);
      planner.find_knee(outcome);
    }
  }
  plan.pareto = pareto_of(plan.outcomes, less);
  plan.complete = !stop;
  return plan;
}

}  // namespace brigade::apps
