#include "brigade/apps/distribution.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace brigade::apps {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

// splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
std::uint64_t mix(std::uint64_t bits) noexcept {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

Nanoseconds scaled(Nanoseconds unit, double factor) {
  const double count = static_cast<double>(unit.count()) * factor;
  return to_nanoseconds(std::chrono::duration<double, std::nano>(std::max(0.0, count) + 0.5));
}

}  // namespace

double RandomStream::at(std::uint64_t index) const noexcept {
  const std::uint64_t start = mix(mix(seed + kGolden) + kGolden * (stream + 1));
  return (static_cast<double>(mix(start + kGolden * (index + 1)) >> 11) + 0.5) * 0x1p-53;
}

Distribution Distribution::uniform(Nanoseconds from, Nanoseconds to) {
  if (to < from) throw std::invalid_argument("a uniform distribution is from the lesser value");
  return {Kind::kUniform, {from, to}};
}

Distribution Distribution::exponential(Nanoseconds mean) { return {Kind::kExponential, {mean}}; }

Distribution Distribution::normal(Nanoseconds mean, Nanoseconds deviation) {
  return {Kind::kNormal, {mean, deviation}};
}

Distribution Distribution::values(std::vector<Nanoseconds> values) {
  if (values.empty()) throw std::invalid_argument("a distribution needs at least one value");
  return {Kind::kValues, std::move(values)};
}

Nanoseconds Distribution::draw(const RandomStream& stream, std::uint64_t index) const {
  if (kind_ == Kind::kConstant) return numbers_[0];
  const double u = stream.at(index);
  switch (kind_) {
    case Kind::kConstant:
      break;
    case Kind::kUniform:
      return numbers_[0] + scaled(numbers_[1] - numbers_[0], u);
    case Kind::kExponential:
      return scaled(numbers_[0], -std::log(u));
    case Kind::kNormal: {  // Box and Muller
      const double angle =
          2 * std::numbers::pi * RandomStream{~stream.seed, stream.stream}.at(index);
      const double deviation = std::sqrt(-2 * std::log(u)) * std::cos(angle);
      const double mean = static_cast<double>(numbers_[0].count());
      return scaled(Nanoseconds(1), mean + deviation * static_cast<double>(numbers_[1].count()));
    }
    case Kind::kValues:
      return numbers_[static_cast<std::size_t>(u * static_cast<double>(numbers_.size()))];
  }
  return numbers_[0];
}

Nanoseconds Distribution::mean() const {
  if (kind_ == Kind::kUniform) return numbers_[0] + (numbers_[1] - numbers_[0]) / 2;
  if (kind_ != Kind::kValues) return numbers_[0];
  long double sum = 0;
  for (const Nanoseconds value : numbers_) sum += static_cast<long double>(value.count());
  return Nanoseconds(static_cast<std::int64_t>(sum / static_cast<long double>(numbers_.size())));
}

Nanoseconds Distribution::longest() const {
  // The least number of RandomStream is 2^-54: its logarithm is above -38, and 9 is over the root
  // of 2 * 38.
  if (kind_ == Kind::kExponential) return scaled(numbers_[0], 38);
  if (kind_ == Kind::kNormal) return numbers_[0] + scaled(numbers_[1], 9);
  return *std::max_element(numbers_.begin(), numbers_.end());
}

}  // namespace brigade::apps
