#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "brigade/runtime/clock.h"

namespace brigade::apps {

/// Where random numbers come from: the one at an index depends on seed, stream and index alone, not
/// on who asked before. So a client has the same luck in every configuration and on both clocks.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;

  /// Above 0 and below 1.
  double at(std::uint64_t index) const noexcept;
};

/// How long something takes.
///
/// Errors: std::invalid_argument for numbers that make no sense.
class Distribution {
 public:
  explicit Distribution(Nanoseconds constant = {}) : numbers_{constant} {}
  static Distribution uniform(Nanoseconds from, Nanoseconds to);
  static Distribution exponential(Nanoseconds mean);
  /// What would be negative is zero, which mean() leaves out of account.
  static Distribution normal(Nanoseconds mean, Nanoseconds deviation);
  /// Each as often as the others, such as those that were measured.
  static Distribution values(std::vector<Nanoseconds> values);

  Nanoseconds draw(const RandomStream& stream, std::uint64_t index) const;
  Nanoseconds mean() const;
  Nanoseconds longest() const;  // that draw() can return
  bool random() const noexcept { return kind_ != Kind::kConstant; }

 private:
  enum class Kind { kConstant, kUniform, kExponential, kNormal, kValues };
  Distribution(Kind kind, std::vector<Nanoseconds> numbers)
      : kind_(kind), numbers_(std::move(numbers)) {}

  Kind kind_ = Kind::kConstant;
  std::vector<Nanoseconds> numbers_;  // the parameters, or the values
};

}  // namespace brigade::apps
