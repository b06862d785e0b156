#include "brigade/tests/support/failing_allocator.h"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr auto kNever = std::numeric_limits<std::size_t>::max();

// Allocation number `next` counts from the arming; those in [first, last] fail.
constinit std::atomic<std::size_t> next{1};
constinit std::atomic<std::size_t> first{kNever};
constinit std::atomic<std::size_t> last{kNever};
constinit std::atomic<std::size_t> failed{0};
constinit std::atomic<std::size_t> asked{0};
constinit std::atomic<std::size_t> outstanding{0};
constinit thread_local int spared = 0;

// Whether it is this allocation's turn.
bool is_to_fail() noexcept {
  if (spared > 0) return false;
  const std::size_t number = next.fetch_add(1);
  return number >= first && number <= last;
}

void* allocate(std::size_t size) {
  ++asked;
  if (is_to_fail()) {
    ++failed;
    throw std::bad_alloc();
  }
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  ++outstanding;
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  --outstanding;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace brigade {

FailNth::FailNth(Plan plan) noexcept {
  failed = 0;
  next = 1;
  last = plan.onwards ? kNever : plan.nth;
  first = plan.nth;
}

FailNth::~FailNth() { first = kNever; }

std::size_t FailNth::failures() noexcept { return failed; }

NeverFail::NeverFail() noexcept { ++spared; }

NeverFail::~NeverFail() { --spared; }

std::size_t allocations() noexcept { return asked; }

std::size_t outstanding_allocations() noexcept { return outstanding; }

}  // namespace brigade
