#include "brigade/apps/process_times.h"

#include <unistd.h>

#include <stdexcept>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

TEST_CASE("process_times: both grow with what a process does") {
  const ProcessTimes before = process_times(::getpid());

  ProcessTimes now = before;
  while (now.user - before.user < 50ms) now = process_times(::getpid());

  CHECK(now.cpu - before.cpu >
        25ms);  // A tick counts as a whole one, whoever else had a part of it.
}

TEST_CASE("process_times: a process that is not there is named") {
  CHECK_THROWS_WITH_AS(process_times(999'999'999), "no CPU time is known of process 999999999",
                       std::runtime_error);
}

}  // namespace
}  // namespace brigade::apps
