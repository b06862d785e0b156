#include <chrono>
#include <iomanip>
#include <ostream>
#include <string>

#include "brigade/apps/lanes.h"
#include "brigade/apps/pictures.h"

namespace brigade::apps {
namespace {

/// Microseconds, the unit of the format, to the nanosecond.
std::string micro(Nanoseconds time) {
  const std::string digits = std::to_string(time.count() % 1000 + 1000);
  return std::to_string(time.count() / 1000) + "." + digits.substr(1);
}

class Trace {
 public:
  explicit Trace(std::ostream& out) : out_(out) { out_ << "{\"traceEvents\":["; }
  ~Trace() { out_ << "\n]}\n"; }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// `rest` are the members that its kind has besides these.
  void event(const char* kind, const std::string& name, std::size_t process, std::size_t thread,
             const std::string& rest) {
    out_ << (first_ ? "\n" : ",\n") << "{\"ph\":\"" << kind << "\",\"name\":\"" << name
         << "\",\"pid\":" << process << ",\"tid\":" << thread << ',' << rest << '}';
    first_ = false;
  }
  void name(const char* what, std::size_t process, std::size_t thread, const std::string& name) {
    event("M", what, process, thread, "\"args\":{\"name\":\"" + name + "\"}");
  }

 private:
  std::ostream& out_;
  bool first_ = true;
};

std::string client_name(std::size_t client) { return "client_" + std::to_string(client + 1); }

void write_lanes(Trace& trace, const Report& report) {
  std::size_t thread = 0;
  for (const Lane& lane : lanes_of(report.simulation, report.record)) {
    const std::size_t process = lane.station + 1;
    trace.name("thread_name", process, ++thread, lane.name);
    for (const Lane::Bar& bar : lane.bars)
      trace.event("X", lane.vat ? "batch" : client_name(bar.client), process, thread,
                  "\"ts\":" + micro(bar.from) + ",\"dur\":" + micro(bar.to - bar.from));
    for (const Lane::PickUp& pick_up : lane.pick_ups)
      trace.event("i", client_name(pick_up.client), process, thread,
                  "\"s\":\"t\",\"ts\":" + micro(pick_up.at));
  }
}

}  // namespace

void write_trace(std::ostream& out, const Report& report) {
  Trace trace(out);
  trace.name("process_name", 0, 0, "clients");
  for (std::size_t i = 0; i < report.record.clients.size(); ++i) {
    const Client& client = report.record.clients[i];
    const std::string id = "\"cat\":\"client\",\"id\":" + std::to_string(i + 1) + ",\"ts\":";
    trace.event("b", client_name(i), 0, 0, id + micro(client.arrival));
    trace.event("e", client_name(i), 0, 0, id + micro(client.arrival + client.service));
  }
  const std::vector<Station>& stations = report.simulation.scenario.stations;
  for (std::size_t i = 0; i < stations.size(); ++i) {
    trace.name("process_name", i + 1, 0, stations[i].name);
    for (const QueueLength& queue : queue_at(report.simulation, report.record, i))
      trace.event("C", "queue", i + 1, 0,
                  "\"ts\":" + micro(queue.since) +
                      ",\"args\":{\"waiting\":" + std::to_string(queue.waiting) + "}");
  }
  write_lanes(trace, report);
}

}  // namespace brigade::apps
