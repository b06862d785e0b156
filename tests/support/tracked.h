#pragma once

namespace brigade {

/// How many Tracked objects there have been.
struct Counts {
  int constructed = 0;
  int destroyed = 0;

  int alive() const noexcept { return constructed - destroyed; }
};

/// Counts its constructions and destructions: equal numbers mean that every copy was destroyed
/// exactly once.
class Tracked {
 public:
  explicit Tracked(Counts& counts) noexcept : counts_(counts) { ++counts_.constructed; }
  Tracked(const Tracked& other) noexcept : Tracked(other.counts_) {}
  ~Tracked() { ++counts_.destroyed; }

 private:
  Counts& counts_;
};

}  // namespace brigade
