#include "brigade/apps/scenario.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "brigade/apps/duration.h"
#include "brigade/apps/json_lines.h"

namespace brigade::apps {
namespace {

using nlohmann::json;

/// A value of the document that knows where it is.
class Field {
 public:
  Field(const JsonLines& source, const std::string& file, const json& value, std::string path)
      : source_(source), file_(file), value_(value), path_(std::move(path)) {}

  [[noreturn]] void refuse(const std::string& why) const {
    const auto line = source_.lines.find(path_);
    throw std::invalid_argument(file_ + ":" +
                                std::to_string(line == source_.lines.end() ? 1 : line->second) +
                                ": " + (path_.empty() ? "" : path_ + ": ") + why);
  }
  bool has(const std::string& key) const { return value_.contains(key); }
  Field at(const std::string& key) const {
    if (!has(key)) refuse("needs \"" + key + "\"");
    return {source_, file_, value_.at(key), path_.empty() ? key : path_ + "." + key};
  }
  std::vector<Field> elements(const std::string& accepted) const {
    if (!value_.is_array() || value_.empty()) refuse("accepted is " + accepted);
    std::vector<Field> fields;
    for (std::size_t i = 0; i < value_.size(); ++i)
      fields.push_back({source_, file_, value_[i], path_ + "[" + std::to_string(i) + "]"});
    return fields;
  }
  void check_members(const std::set<std::string>& accepted) const {
    std::string names;
    for (const std::string& name : accepted) names += (names.empty() ? "" : ", ") + name;
    if (!value_.is_object()) refuse("accepted is an object with " + names);
    for (const auto& [key, unused] : value_.items())
      if (!accepted.contains(key)) at(key).refuse("is unknown; accepted are " + names);
  }
  std::string text(const std::string& accepted) const {
    if (!value_.is_string()) refuse("accepted is " + accepted);
    return value_.get<std::string>();
  }
  std::size_t count() const {
    constexpr std::uint64_t kMax = 1'000'000'000;
    const bool whole = value_.is_number_unsigned();
    if (!whole || value_.get<std::uint64_t>() < 1 || value_.get<std::uint64_t>() > kMax)
      refuse("accepted is a whole number from 1 to 1000000000");
    return value_.get<std::size_t>();
  }
  double number() const {
    if (!value_.is_number() || !(value_.get<double>() >= 0) || value_.get<double>() > 1e9)
      refuse("accepted is a number from 0 to 1e9");
    return value_.get<double>();
  }
  Nanoseconds duration() const {
    try {
      return parse_duration(value_.is_number() ? value_.dump() : text("a duration (\"500ms\")"));
    } catch (const std::invalid_argument& error) {
      refuse(error.what());
    }
  }
  const json& value() const { return value_; }

 private:
  const JsonLines& source_;
  const std::string& file_;
  const json& value_;
  std::string path_;
};

Distribution distribution_of(const Field& field) {
  if (!field.value().is_object()) return Distribution(field.duration());
  field.check_members({"exponential", "normal", "uniform", "values"});
  if (field.value().size() != 1) field.refuse("accepted is one distribution");
  const std::string kind = field.value().begin().key();
  const Field numbers = field.at(kind);
  if (kind == "exponential") return Distribution::exponential(numbers.duration());
  std::vector<Nanoseconds> values;
  for (const Field& element : numbers.elements("a list of durations"))
    values.push_back(element.duration());
  if (kind == "values") return Distribution::values(std::move(values));
  if (values.size() != 2) numbers.refuse("accepted are two durations");
  if (kind == "normal") return Distribution::normal(values[0], values[1]);
  if (values[1] < values[0]) numbers.refuse("accepted is the lesser duration first");
  return Distribution::uniform(values[0], values[1]);
}

std::string name_of(const Field& field) {
  const std::string name = field.text("a name");
  const bool plain = name.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_-") == name.npos;
  // These are columns of the report.
  if (name.empty() || !plain || name == "arrival" || name == "service")
    field.refuse("'" + name + "'; accepted are letters, digits, _ and -, not arrival, not service");
  return name;
}

Station station_of(const Field& field) {
  field.check_members({"batch", "cost", "count", "kind", "name", "time", "unit"});
  Station station;
  station.name = name_of(field.at("name"));
  station.time = distribution_of(field.at("time"));
  const std::string kinds = "lock, semaphore or batch";
  const std::string kind = field.at("kind").text(kinds);
  if (kind == "semaphore")
    station.kind = Station::Kind::kSemaphore;
  else if (kind == "batch")
    station.kind = Station::Kind::kBatch;
  else if (kind != "lock")
    field.at("kind").refuse("'" + kind + "'; accepted is " + kinds);
  if (kind == "lock" && field.has("count"))
    field.at("count").refuse("a lock has none; use a semaphore");
  if (kind != "batch" && field.has("batch"))
    field.at("batch").refuse("only a batch station has one");
  if (kind == "semaphore" || field.has("count")) station.count = field.at("count").count();
  if (kind == "batch") station.batch = field.at("batch").count();
  if (field.has("cost")) station.cost = field.at("cost").number();
  station.unit = field.has("unit") ? name_of(field.at("unit")) : station.name;
  station.says = station.name + " serves";
  return station;
}

Order order_of(const Field& field, const std::vector<Station>& stations) {
  field.check_members({"name", "parallel", "sequence", "weight"});
  Order order;
  order.name = name_of(field.at("name"));
  if (field.has("weight")) order.weight = field.at("weight").number();
  order.sequence = field.has("sequence");
  if (order.sequence == field.has("parallel"))
    field.refuse("accepted is either \"parallel\" or \"sequence\"");
  const Field needs = field.at(order.sequence ? "sequence" : "parallel");
  for (const Field& need : needs.elements("a list of stations")) {
    const std::string name = need.text("a station's name");
    const auto station = std::find_if(stations.begin(), stations.end(),
                                      [&](const Station& s) { return s.name == name; });
    if (station == stations.end()) need.refuse("there is no station '" + name + "'");
    const auto index = static_cast<std::size_t>(station - stations.begin());
    if (std::find(order.needs.begin(), order.needs.end(), index) != order.needs.end())
      need.refuse("'" + name + "' is needed twice; accepted is once");
    order.needs.push_back(index);
  }
  return order;
}

}  // namespace

Scenario parse_scenario(const std::string& text, const std::string& file) {
  const JsonLines source = parse_json_lines(text, file);
  const Field root(source, file, source.document, "");
  root.check_members({"name", "orders", "stations"});
  Scenario scenario;
  scenario.name = root.has("name") ? root.at("name").text("a text") : file;
  for (const Field& field : root.at("stations").elements("a list of stations")) {
    scenario.stations.push_back(station_of(field));
    const std::string& name = scenario.stations.back().name;
    for (std::size_t i = 0; i + 1 < scenario.stations.size(); ++i)
      if (scenario.stations[i].name == name) field.at("name").refuse("'" + name + "' is taken");
  }
  double weights = 0;
  if (root.has("orders")) {
    for (const Field& field : root.at("orders").elements("a list of orders")) {
      scenario.orders.push_back(order_of(field, scenario.stations));
      weights += scenario.orders.back().weight;
    }
    if (weights <= 0) root.at("orders").refuse("accepted is a weight above 0 in one of them");
  } else {
    scenario.orders.emplace_back().name = "order";
    for (std::size_t i = 0; i < scenario.stations.size(); ++i)
      scenario.orders[0].needs.push_back(i);
  }
  return scenario;
}

Scenario read_scenario(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) throw std::invalid_argument("'" + path + "' cannot be read");
  return parse_scenario(text.str(), path);
}

std::size_t& places_of(Scenario& scenario, std::string_view name) {
  constexpr std::string_view kCount = ".count";
  std::string names;
  for (Station& station : scenario.stations) {
    const bool batch = station.kind == Station::Kind::kBatch;
    const bool vats = batch && name.ends_with(kCount);
    const std::string_view own = vats ? name.substr(0, name.size() - kCount.size()) : name;
    if (own == station.name || own == station.unit)
      return batch && !vats ? station.batch : station.count;
    names += (names.empty() ? "" : ", ") + station.name;
    if (station.unit != station.name) names += " (" + station.unit + ")";
  }
  throw std::invalid_argument("'" + std::string(name) + "'; accepted are " + names);
}

}  // namespace brigade::apps
