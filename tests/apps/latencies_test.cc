#include "brigade/apps/latencies.h"

#include <cstdint>
#include <limits>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

TEST_CASE("Latencies: percentiles of short durations are exact") {
  Latencies latencies;
  for (int i = 100; i >= 1; --i) latencies.record(Nanoseconds(i));

  CHECK(latencies.count() == 100);
  CHECK(latencies.percentile(0) == Nanoseconds(1));
  CHECK(latencies.percentile(0.5) == Nanoseconds(50));
  CHECK(latencies.percentile(0.99) == Nanoseconds(99));
  CHECK(latencies.percentile(0.991) == Nanoseconds(100));
  CHECK(latencies.percentile(1) == Nanoseconds(100));
}

TEST_CASE("Latencies: a duration is told at most 1.6 % too long, and never too short") {
  for (std::int64_t exact = 1; exact < std::numeric_limits<std::int64_t>::max() / 2;
       exact += exact / 7 + 1) {
    Latencies latencies;
    latencies.record(Nanoseconds(exact));

    const Nanoseconds told = latencies.percentile(0.5);
    CHECK(told.count() >= exact);
    CHECK(static_cast<double>(told.count()) <= static_cast<double>(exact) * 1.016);
  }
}

TEST_CASE("Latencies: the longest and the negative durations have their place too") {
  Latencies latencies;
  latencies.record(Nanoseconds::max());
  latencies.record(Nanoseconds(-1));

  CHECK(latencies.percentile(0.5) == Nanoseconds::zero());
  CHECK(latencies.percentile(1) == Nanoseconds::max());
}

TEST_CASE("Latencies: there are none at first, nor after clear()") {
  Latencies latencies;
  CHECK(latencies.percentile(0.5) == Nanoseconds::zero());

  latencies.record(Nanoseconds(7));
  latencies.clear();

  CHECK(latencies.count() == 0);
  CHECK(latencies.percentile(1) == Nanoseconds::zero());
}

}  // namespace
}  // namespace brigade::apps
