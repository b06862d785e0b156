#include "brigade/tests/support/guarded_memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "brigade/runtime/check.h"
#include "brigade/runtime/loop.h"

namespace {

using brigade::check;

constexpr std::size_t kAddresses = std::size_t{1} << 36;  // 64 GiB; they cost no memory.
constexpr std::size_t kAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

constinit std::atomic<std::size_t> used{0};    // of the addresses
constinit std::atomic<std::size_t> blocks{0};  // that were guarded
constinit thread_local bool asking = false;    // Not for what asking itself frees.

std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::size_t page() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// Nobody may touch them; what they held is gone.
char* seal(void* address, std::size_t size, int flags = 0) {
  void* const sealed =
      ::mmap(address, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  check(sealed != MAP_FAILED, "guarded memory cannot be mapped");
  return static_cast<char*>(sealed);
}

char* addresses() {
  static char* const first = seal(nullptr, kAddresses);
  return first;
}

bool is_guarded(const void* memory) {
  const auto* const byte = static_cast<const char*>(memory);
  return byte >= addresses() && byte < addresses() + kAddresses;
}

// A page with the size, the pages of the block, and one that stays sealed.
void* guarded(std::size_t size) {
  const std::size_t aligned = round_up(size, kAlignment);
  const std::size_t open = page() + round_up(aligned, page());
  const std::size_t offset = used.fetch_add(open + page());
  check(offset + open + page() <= kAddresses, "the addresses for guarded memory are used up");
  char* const first = addresses() + offset;
  if (::mprotect(first, open, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(first) = size;
  ++blocks;
  return first + open - aligned;
}

char* first_page(void* memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  return static_cast<char*>(memory) - address % page() - page();
}

std::size_t size_of(void* memory) {
  return is_guarded(memory) ? *reinterpret_cast<std::size_t*>(first_page(memory))
                            : ::malloc_usable_size(memory);
}

void check_not_held(void* memory) {
  const brigade::Loop* const loop = brigade::Loop::running();
  if (loop == nullptr || asking) return;
  asking = true;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t end = begin + size_of(memory);
  for (const brigade::Request& request : loop->operations()) {
    const auto held = reinterpret_cast<std::uintptr_t>(request.data);
    check(held + request.size <= begin || end <= held, "memory is freed that the kernel holds");
  }
  asking = false;
}

void* allocate(std::size_t size) {
  if (size >= brigade::kGuardedSize) return guarded(size);
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  check_not_held(memory);
  if (!is_guarded(memory)) return std::free(memory);
  char* const first = first_page(memory);
  const std::size_t size = round_up(round_up(size_of(memory), kAlignment), page());
  seal(first, page() + size, MAP_FIXED);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace brigade {

std::size_t guarded_blocks() noexcept { return blocks; }

}  // namespace brigade
