#pragma once

#include <cstddef>
#include <iosfwd>

#include "brigade/apps/report.h"

namespace brigade::apps {

/// A drawing of a run: the stations' lanes (a batch once, with who took its portions), how many
/// clients were served within which time and the timeout and the goals on service times, the
/// service time against the arrival, which grows where the service is unstable, and the queues. Of
/// many clients the lanes show the first ones, and a curve as many points as can be told apart.
void write_svg(std::ostream& out, const Report& report);

/// The same as a page of its own, with the report's numbers.
void write_html(std::ostream& out, const Report& report);

/// The lanes as text: each client by the last digit of its number, `[##` where a batch is made,
/// and how many took a portion of it.
void print_gantt(std::ostream& out, const Report& report, std::size_t width = 100);

/// The run for a trace viewer (Perfetto, chrome://tracing): stations are processes, places are
/// threads, clients are asynchronous spans, queues are counters.
void write_trace(std::ostream& out, const Report& report);

}  // namespace brigade::apps
