#include "brigade/apps/plan_report.h"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <string>

#include "brigade/apps/columns.h"
#include "brigade/apps/load.h"
#include "nlohmann/json.hpp"

namespace brigade::apps {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

double in_seconds(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

Rows heading(const Question& question) {
  Rows rows{{""}};
  for (const Axis& axis : question.axes) rows[0].push_back(axis.name);
  rows[0].insert(rows[0].end(), {"cost", "satisfied", "mean s", "p95 s", "max s", "goals",
                                 "serves/s", "breaks at/s"});
  return rows;
}

std::vector<std::string> row(const std::string& name, const Outcome& outcome) {
  std::vector<std::string> cells{name};
  for (const std::size_t places : outcome.places) cells.push_back(std::to_string(places));
  const auto add = [&cells](const std::string& text) { cells.push_back(text); };
  add(rounded(outcome.cost));
  add(std::to_string(outcome.satisfied) + '/' + std::to_string(outcome.clients));
  add(rounded(in_seconds(outcome.mean)));
  add(rounded(in_seconds(outcome.p95)));
  add(rounded(in_seconds(outcome.max)));
  add(outcome.met ? "met" : "missed");
  add(rounded(outcome.capacity));
  add(outcome.knee ? rounded(*outcome.knee) : "-");
  return cells;
}

void print_one_more(std::ostream& out, const Question& question, const Outcome& from,
                    const std::string& name, const std::vector<Outcome>& one_more) {
  Rows rows = heading(question);
  rows.push_back(row(name, from));
  for (std::size_t i = 0; i < one_more.size(); ++i)
    rows.push_back(row("+1 " + question.axes[i].name, one_more[i]));
  print_columns(out, rows);
}

std::string goals_text(const Question& question) {
  std::string text;
  for (const Goal& goal : question.goals) text += (text.empty() ? "" : ", ") + goal.text();
  return text;
}

ordered_json json_of(const Question& question, const Outcome& outcome) {
  ordered_json places;
  for (std::size_t i = 0; i < question.axes.size(); ++i)
    places[question.axes[i].name] = outcome.places[i];
  ordered_json knee;
  if (outcome.knee) knee = *outcome.knee;
  return {{"places", places},
          {"cost", outcome.cost},
          {"met", outcome.met},
          {"measured", outcome.measured},
          {"satisfied", outcome.satisfied},
          {"mean_s", in_seconds(outcome.mean)},
          {"p95_s", in_seconds(outcome.p95)},
          {"max_s", in_seconds(outcome.max)},
          {"capacity_per_s", outcome.capacity},
          {"knee_per_s", knee}};
}

ordered_json json_of(const Question& question, const std::vector<Outcome>& outcomes) {
  ordered_json list = ordered_json::array();
  for (const Outcome& outcome : outcomes) list.push_back(json_of(question, outcome));
  return list;
}

}  // namespace

void print_text(std::ostream& out, const Question& question, const Plan& plan) {
  const auto met = std::count_if(plan.outcomes.begin(), plan.outcomes.end(),
                                 [](const Outcome& outcome) { return outcome.met; });
  if (!plan.complete) out << "stopped: what follows is of what was tried until then\n";
  out << plan.outcomes.size() << " of " << plan.configurations << " configurations tried, " << met
      << " meet " << goals_text(question) << "\n\n";
  if (plan.cheapest) {
    out << "One more of each, from the cheapest that does:\n";
    print_one_more(out, question, *plan.cheapest, "cheapest", plan.one_more_cheapest);
  } else {
    out << "None does.\n";
  }
  out << "\nOne more of each, from what there is today:\n";
  print_one_more(out, question, plan.today, "today", plan.one_more_today);

  out << "\nFor every price, what meets \"" << question.goals[0].text() << "\" best:\n";
  Rows rows = heading(question);
  rows[0].push_back("measured");
  for (const Outcome& outcome : plan.pareto) {
    rows.push_back(row(outcome.met ? "*" : "", outcome));
    rows.back().push_back(outcome.measured);
  }
  print_columns(out, rows);
}

void print_json(std::ostream& out, const Question& question, const Plan& plan) {
  ordered_json goals = ordered_json::array();
  for (const Goal& goal : question.goals) goals.push_back(goal.text());
  ordered_json rate, cheapest;
  if (const auto offered = offered_rate(question.simulation.load)) rate = *offered;
  if (plan.cheapest) cheapest = json_of(question, *plan.cheapest);
  const ordered_json document = {
      {"complete", plan.complete},
      {"configurations", plan.configurations},
      {"tried", plan.outcomes.size()},
      {"requests", plan.today.clients},
      {"rate_per_s", rate},
      {"goals", goals},
      {"cheapest", cheapest},
      {"one_more_cheapest", json_of(question, plan.one_more_cheapest)},
      {"today", json_of(question, plan.today)},
      {"one_more_today", json_of(question, plan.one_more_today)},
      {"pareto", json_of(question, plan.pareto)},
      {"outcomes", json_of(question, plan.outcomes)},
  };
  out << document.dump() << '\n';
}

}  // namespace brigade::apps
