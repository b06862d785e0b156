#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "brigade/apps/load.h"
#include "brigade/runtime/loop.h"

namespace brigade::apps {

struct Client {
  Nanoseconds arrival{};       // the intended one, from the start
  Nanoseconds service{};       // from the arrival until all was ready
  std::size_t first_step = 0;  // in Record::steps
  std::uint32_t order = 0;
  bool failed = false;  // It was not served.
};

/// Who came, when, and for how long. In the time of the model.
struct Attendance {
  std::vector<Client> clients;  // in the order of arrival
  Nanoseconds elapsed{};        // until the last client was served
  long double presence = 0;     // ns that clients were there, counted as they came and went
};

/// Lets clients come as a load says, each in a task of its own, and counts them.
///
/// Errors:     what `serve` throws ends the run, and is thrown.
/// Complexity: a task per client that is there.
/// Threads:    no loop may run on this one.
class Generator {
 public:
  /// Serves the client of an index.
  using Serve = std::function<Task<void>(std::size_t client)>;

  /// `arrivals` are those of an open load. On the real clock, 10 s of the model last 10 s /
  /// `speed`.
  Generator(const Load& load, const std::vector<Nanoseconds>& arrivals, ClockKind clock,
            double speed, Attendance& attendance);

  /// Runs a loop until every client is served; `begin`, if given, is told of it before.
  void run(Serve serve, const std::function<void(Loop&)>& begin = {});

  /// Of the model, since the start.
  Nanoseconds now() const;

  /// How long something of the model lasts on the clock.
  Nanoseconds real(Nanoseconds nominal) const;

 private:
  Task<void> open();
  Task<void> user();
  Task<void> visit(std::size_t client);
  std::size_t admit(Nanoseconds arrival);
  void count_present(std::ptrdiff_t change);
  bool user_goes_on() const;

  const Load& load_;
  const std::vector<Nanoseconds>& arrivals_;
  const ClockKind clock_;
  const double speed_;
  Attendance& attendance_;
  Serve serve_;
  TimePoint start_{};
  std::size_t present_ = 0;
  Nanoseconds counted_{};  // until when attendance_.presence is
};

}  // namespace brigade::apps
