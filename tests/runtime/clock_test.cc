#include "brigade/runtime/clock.h"

#include <limits>
#include <ratio>

#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("to_nanoseconds: takes every unit") {
  CHECK(to_nanoseconds(3ns) == 3ns);
  CHECK(to_nanoseconds(3us) == 3000ns);
  CHECK(to_nanoseconds(2h) == 7'200'000'000'000ns);
  CHECK(to_nanoseconds(duration<double>(0.25)) == 250ms);
  CHECK(to_nanoseconds(duration<float, std::milli>(1.5F)) == 1500us);
  CHECK(to_nanoseconds(duration<std::int64_t, std::pico>(2500)) == 2ns);
  CHECK(to_nanoseconds(duration<int, std::ratio<1, 4>>(3)) == 750ms);
  CHECK(to_nanoseconds(duration<unsigned char>(200)) == 200s);
  CHECK(to_nanoseconds(-7ms) == -7'000'000ns);
}

TEST_CASE("to_nanoseconds: clamps what does not fit, and NaN is zero [C-02]") {
  CHECK(to_nanoseconds(std::chrono::hours::max()) == Nanoseconds::max());
  CHECK(to_nanoseconds(std::chrono::hours::min()) == Nanoseconds::min());
  CHECK(to_nanoseconds(std::chrono::seconds::max()) == Nanoseconds::max());
  CHECK(to_nanoseconds(Nanoseconds::max()) == Nanoseconds::max());
  CHECK(to_nanoseconds(duration<double>(1e300)) == Nanoseconds::max());
  CHECK(to_nanoseconds(duration<double>(-1e300)) == Nanoseconds::min());
  CHECK(to_nanoseconds(duration<double>(kInfinity)) == Nanoseconds::max());
  CHECK(to_nanoseconds(duration<double>(-kInfinity)) == Nanoseconds::min());
  CHECK(to_nanoseconds(duration<double>(kNaN)) == 0ns);
  CHECK(to_nanoseconds(duration<double, std::nano>(9.3e18)) == Nanoseconds::max());
}

TEST_CASE("to_nanoseconds: a fraction of a second that only just fits does not overflow [C-02]") {
  constexpr duration<std::int64_t, std::ratio<1, 60>> kFrames(60LL * 5'000'000'000);
  constexpr duration<std::int64_t, std::ratio<1, 3>> kThirds(3LL * 9'000'000'000);

  const Nanoseconds frames = to_nanoseconds(kFrames);
  const Nanoseconds thirds = to_nanoseconds(kThirds);

  CHECK(frames == 5'000'000'000s);
  CHECK(thirds == 9'000'000'000s);
}

TEST_CASE("after: clamps to the last instant there is, and to the start [C-02]") {
  constexpr TimePoint kStart(100s);

  CHECK(after(kStart, 5s) == TimePoint(105s));
  CHECK(after(kStart, -5s) == kStart);
  CHECK(after(kStart, Nanoseconds::min()) == kStart);
  CHECK(after(kStart, Nanoseconds::max()) == TimePoint::max());
  CHECK(after(kStart, TimePoint::max() - kStart) == TimePoint::max());
  CHECK(after(TimePoint::max(), 1ns) == TimePoint::max());
}

}  // namespace
}  // namespace brigade
