#include "brigade/apps/load.h"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>

#include "brigade/tests/support/scratch.h"
#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

Load load_of(const std::string& arrivals, double rate, std::size_t clients) {
  Load load;
  load.rate = rate;
  load.clients = clients;
  parse_arrivals(arrivals, load);
  return load;
}

using Instants = std::vector<Nanoseconds>;

TEST_CASE(
    "Load: uniform arrivals lie on the absolute clock, also at a rate that is no whole period") {
  const Instants thirds = arrivals_of(load_of("uniform", 3, 7));

  CHECK(thirds == Instants{0s, 333333333ns, 666666667ns, 1s, 1333333333ns, 1666666667ns, 2s});
  Load load;
  load.clients = 1'000'001;
  load.period = 3ns;
  CHECK(arrivals_of(load).back() == 3'000'000ns);
}

TEST_CASE("Load: a duration ends it, or the number of clients, whichever comes first") {
  Load load;
  load.rate = 2;
  load.duration = 3s;
  CHECK(arrivals_of(load) == Instants{0s, 500ms, 1s, 1500ms, 2s, 2500ms});

  load.clients = 2;
  CHECK(arrivals_of(load) == Instants{0s, 500ms});
}

TEST_CASE("Load: Poisson arrivals have the rate, the spread of theirs, and depend on the seed") {
  Load load = load_of("poisson", 4, 100'000);
  const Instants first = arrivals_of(load);

  CHECK(std::chrono::duration<double>(first.back()).count() ==
        doctest::Approx(25'000).epsilon(0.01));
  std::size_t early = 0;  // 1 - 1/e of the gaps are shorter than the mean.
  for (std::size_t i = 1; i < first.size(); ++i) early += first[i] - first[i - 1] < 250ms ? 1 : 0;
  CHECK(static_cast<double>(early) == doctest::Approx(63'212).epsilon(0.01));
  CHECK(arrivals_of(load) == first);
  load.seed = 2;
  CHECK(arrivals_of(load) != first);
}

TEST_CASE("Load: a burst comes at once, and as often as the rate asks for") {
  CHECK(arrivals_of(load_of("burst:3", 2, 7)) == Instants{0s, 0s, 0s, 1500ms, 1500ms, 1500ms, 3s});
}

TEST_CASE("Load: a ramp has its first rate at the start and its last at the end") {
  const Instants ramp = arrivals_of(load_of("ramp:1/s..3/s", 0, 400));  // 2 a second for 200 s

  CHECK(ramp[0] == 0s);
  CHECK(std::chrono::duration<double>(ramp[1]).count() == doctest::Approx(1).epsilon(0.01));
  CHECK(std::chrono::duration<double>(ramp[399] - ramp[398]).count() ==
        doctest::Approx(1.0 / 3).epsilon(0.01));
  CHECK(std::chrono::duration<double>(ramp.back()).count() == doctest::Approx(200).epsilon(0.01));
  Load level = load_of("ramp:2/s..2/s", 0, 3);
  CHECK(arrivals_of(level) == Instants{0s, 500ms, 1s});
  Load falling = load_of("ramp:3/s..1/s", 0, 400);
  CHECK(std::chrono::duration<double>(arrivals_of(falling).back()).count() ==
        doctest::Approx(199).epsilon(0.01));
}

TEST_CASE("Load: a list comes in the order of time, from the command line or from a file") {
  CHECK(arrivals_of(load_of("3,0.5,2s", 0, 0)) == Instants{500ms, 2s, 3s});

  const std::string path = scratch("arrivals.csv");
  std::ofstream(path) << "arrival,client\n2,b\n0.25;a\n\n500ms\n";
  CHECK(arrivals_of(load_of("@" + path, 0, 0)) == Instants{250ms, 500ms, 2s});
  std::ofstream(path) << "1\nsoon\n";
  CHECK_THROWS_WITH_AS(load_of("@" + path, 0, 0),
                       doctest::Contains("arrivals.csv:2: 'soon' is no duration"),
                       std::invalid_argument);
}

TEST_CASE("Load: its rate is what it offers, of a ramp the most and of a list the mean") {
  CHECK(offered_rate(load_of("uniform", 2, 10)) == 2.0);
  CHECK(offered_rate(load_of("burst:5", 2, 10)) == 2.0);
  CHECK(offered_rate(load_of("ramp:1/s..3/s", 0, 10)) == 3.0);
  CHECK(offered_rate(load_of("0,1,1,6", 0, 0)) == 0.5);
  CHECK_FALSE(offered_rate(load_of("1,1", 0, 0)).has_value());
  Load at_once;
  at_once.clients = 10;
  CHECK_FALSE(offered_rate(at_once).has_value());
  at_once.period = 500ms;
  CHECK(offered_rate(at_once) == 2.0);
}

TEST_CASE("Load: rates have a unit of time") {
  CHECK(parse_rate("2/s") == 2);
  CHECK(parse_rate("2") == 2);
  CHECK(parse_rate("90/m") == 1.5);
  CHECK(parse_rate("1.8e3/h") == 0.5);
  for (const char* bad : {"", "0", "-1", "2/d", "/s", "nan", "inf", "2/s/s", "two"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH_AS(parse_rate(bad), doctest::Contains("accepted is a number above 0"),
                         std::invalid_argument);
  }
}

TEST_CASE("Load: what is no load is refused") {
  for (const char* bad :
       {"burst:0", "burst:x", "ramp:1", "ramp:0..1", "ramp:1..x", "@/no/file", "1,x", "often"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(load_of(bad, 1, 1), std::invalid_argument);
  }
  Load endless;
  endless.duration = 1s;  // All come at 0.
  CHECK_THROWS_AS(arrivals_of(endless), std::invalid_argument);
}

}  // namespace
}  // namespace brigade::apps
