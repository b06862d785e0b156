#include "brigade/testing/schedules.h"

#include <random>

#include "brigade/runtime/check.h"

namespace brigade {

std::function<std::size_t(std::size_t)> seeded_order(std::uint64_t seed) {
  return [random = std::mt19937_64(seed)](std::size_t ready) mutable -> std::size_t {
    return ready == 1 ? 0 : random() % ready;
  };
}

bool Schedules::next() {
  if (count_ > 0) {
    check(made_ == decisions_.size(), "a program does not do the same under the same schedule");
    while (!decisions_.empty() && decisions_.back().picked + 1 == decisions_.back().of)
      decisions_.pop_back();
    if (decisions_.empty()) return false;
    ++decisions_.back().picked;
  }
  made_ = 0;
  ++count_;
  return true;
}

std::size_t Schedules::pick(std::size_t n) {
  if (n <= 1) return 0;
  if (made_ == decisions_.size()) decisions_.push_back({0, n});
  const Decision& decision = decisions_[made_++];
  check(decision.of == n, "a program does not do the same under the same schedule");
  return decision.picked;
}

std::function<std::size_t(std::size_t)> Schedules::order() {
  return [this](std::size_t ready) { return pick(ready); };
}

std::string Schedules::to_string() const {
  std::string text;
  for (std::size_t i = 0; i < made_; ++i)
    text += (i == 0 ? "" : " ") + std::to_string(decisions_[i].picked);
  return text;
}

}  // namespace brigade
