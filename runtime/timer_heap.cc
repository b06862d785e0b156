#include "brigade/runtime/timer_heap.h"

#include <algorithm>

namespace brigade {
namespace {

constexpr std::size_t kArity = 4;

}  // namespace

void TimerHeap::put(std::size_t index, const Entry& entry) noexcept {
  entries_[index] = entry;
  entry.timer->index_ = index;
}

void TimerHeap::sift_up(std::size_t index, const Entry& entry) noexcept {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (!entry.before(entries_[parent])) break;
    put(index, entries_[parent]);
    index = parent;
  }
  put(index, entry);
}

void TimerHeap::sift_down(std::size_t index, const Entry& entry) noexcept {
  const std::size_t size = entries_.size();
  for (;;) {
    const std::size_t first = index * kArity + 1;
    if (first >= size) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < std::min(first + kArity, size); ++child)
      if (entries_[child].before(entries_[least])) least = child;
    if (!entries_[least].before(entry)) break;
    put(index, entries_[least]);
    index = least;
  }
  put(index, entry);
}

void TimerHeap::arm(Timer& timer, TimePoint deadline) {
  const Entry entry{deadline, next_sequence_, &timer};
  entries_.push_back(entry);
  ++next_sequence_;
  sift_up(entries_.size() - 1, entry);
}

void TimerHeap::disarm(Timer& timer) noexcept {
  if (!timer.armed()) return;
  const std::size_t index = timer.index_;
  timer.index_ = Timer::kNotArmed;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (last.timer == &timer) return;
  if (index > 0 && last.before(entries_[(index - 1) / kArity]))
    sift_up(index, last);
  else
    sift_down(index, last);
}

void TimerHeap::fire_due(TimePoint now) noexcept {
  while (!empty() && earliest() <= now) {
    Timer& timer = *entries_.front().timer;
    disarm(timer);
    timer.fire_(timer);
  }
}

}  // namespace brigade
