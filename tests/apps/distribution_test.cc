#include "brigade/apps/distribution.h"

#include <chrono>
#include <cmath>
#include <set>
#include <stdexcept>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

using namespace std::chrono_literals;

constexpr int kDraws = 200'000;

struct Moments {
  double mean = 0;
  double deviation = 0;
  Nanoseconds longest{};
};

Moments moments_of(const Distribution& distribution) {
  Moments moments;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Nanoseconds drawn = distribution.draw({7, 3}, static_cast<std::uint64_t>(i));
    const auto value = static_cast<double>(drawn.count());
    moments.mean += value / kDraws;
    squares += value * value / kDraws;
    moments.longest = std::max(moments.longest, drawn);
  }
  moments.deviation = std::sqrt(squares - moments.mean * moments.mean);
  return moments;
}

TEST_CASE("RandomStream: a number depends on seed, stream and index, and on nothing else") {
  CHECK(RandomStream{1, 2}.at(3) == RandomStream{1, 2}.at(3));
  std::set<double> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (std::uint64_t stream = 0; stream < 10; ++stream)
      for (std::uint64_t index = 0; index < 10; ++index)
        seen.insert(RandomStream{seed, stream}.at(index));

  CHECK(seen.size() == 1000);
  CHECK(*seen.begin() > 0);
  CHECK(*seen.rbegin() < 1);
}

TEST_CASE("RandomStream: the numbers of a seed are the same on every machine") {
  CHECK(RandomStream{1, 0}.at(0) == 0.6935121390102292);
  CHECK(RandomStream{42, 7}.at(1000) == 0.5776065218883111);
}

TEST_CASE("Distribution: a constant is what it says, and not random") {
  const Distribution constant(3s);

  CHECK(constant.draw({1, 1}, 5) == 3s);
  CHECK(constant.mean() == 3s);
  CHECK(constant.longest() == 3s);
  CHECK_FALSE(constant.random());
}

TEST_CASE("Distribution: an exponential one has its mean as its deviation") {
  const Moments moments = moments_of(Distribution::exponential(1ms));

  CHECK(moments.mean == doctest::Approx(1e6).epsilon(0.01));
  CHECK(moments.deviation == doctest::Approx(1e6).epsilon(0.01));
}

TEST_CASE("Distribution: a uniform one lies between its ends") {
  const Distribution uniform = Distribution::uniform(1ms, 3ms);
  const Moments moments = moments_of(uniform);

  CHECK(uniform.mean() == 2ms);
  CHECK(moments.mean == doctest::Approx(2e6).epsilon(0.01));
  CHECK(moments.deviation == doctest::Approx(2e6 / std::sqrt(12)).epsilon(0.01));
  CHECK(moments.longest <= 3ms);
  CHECK(moments.longest > 2999us);
}

TEST_CASE("Distribution: a normal one has its mean and deviation, and is never negative") {
  const Moments moments = moments_of(Distribution::normal(10ms, 1ms));
  CHECK(moments.mean == doctest::Approx(10e6).epsilon(0.01));
  CHECK(moments.deviation == doctest::Approx(1e6).epsilon(0.01));

  for (std::uint64_t i = 0; i < 1000; ++i)
    CHECK(Distribution::normal(1ms, 1s).draw({1, 1}, i) >= 0ms);
}

TEST_CASE("Distribution: values come as often as each other") {
  const Distribution values = Distribution::values({1s, 2s, 9s});

  CHECK(values.mean() == 4s);
  CHECK(values.longest() == 9s);
  CHECK(moments_of(values).mean == doctest::Approx(4e9).epsilon(0.01));
}

TEST_CASE("Distribution: what makes no sense is refused") {
  CHECK_THROWS_AS(Distribution::uniform(2s, 1s), std::invalid_argument);
  CHECK_THROWS_AS(Distribution::values({}), std::invalid_argument);
}

}  // namespace
}  // namespace brigade::apps
