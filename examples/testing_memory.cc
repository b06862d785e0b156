// Memory for testing.cc that runs out when it is told to.
#include <cstddef>
#include <cstdlib>
#include <new>

// How many allocations succeed before one fails; negative: none fails.
extern long allocations_left;
long allocations_left = -1;

void* operator new(std::size_t size) {
  void* const memory =
      allocations_left >= 0 && allocations_left-- == 0 ? nullptr : std::malloc(size);
  return memory != nullptr ? memory : throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
