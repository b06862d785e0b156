#include "brigade/runtime/timer_heap.h"

#include <algorithm>
#include <utility>

namespace brigade {
namespace {

constexpr std::size_t kArity = 4;
constexpr std::size_t kCacheLine = 64;

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
    // The next turn of this loop needs one group of these. In a large heap, waiting for memory is
    // most of what it does. Not in a function of its own: GCC sees no effect in it, and drops it.
    if (const std::size_t grandchild = first * kArity + 1; grandchild < size) {
      const auto* const line = reinterpret_cast<const char*>(&entries_[grandchild]);
      for (std::size_t i = 0; i < kArity * kArity * sizeof(Entry); i += kCacheLine)
        __builtin_prefetch(line + i);
    }
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
  if (timer.armed()) remove(std::exchange(timer.index_, Timer::kNotArmed));
}

void TimerHeap::remove(std::size_t index) noexcept {
  const Entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size()) return;
  if (index > 0 && last.before(entries_[(index - 1) / kArity]))
    sift_up(index, last);
  else
    sift_down(index, last);
}

void TimerHeap::fire_due(TimePoint now) noexcept {
  while (!empty() && earliest() <= now) {
    Timer& timer = *entries_.front().timer;
    __builtin_prefetch(&timer);  // Its task has slept: it comes while the heap is put in order.
    remove(0);
    timer.index_ = Timer::kNotArmed;
    timer.fire_(timer);
  }
}

}  // namespace brigade
