#include "brigade/runtime/frame_pool.h"

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "doctest/doctest.h"

namespace brigade {
namespace {

TEST_CASE("FramePool: blocks of every size are aligned, usable and counted") {
  const std::size_t before = FramePool::live();
  std::vector<void*> blocks;
  constexpr std::size_t kSizes = 4096;

  for (std::size_t size = 1; size <= kSizes; ++size) {
    void* block = FramePool::allocate(size);
    std::memset(block, static_cast<int>(size % 251), size);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
    blocks.push_back(block);
  }

  CHECK(FramePool::live() == before + kSizes);
  bool intact = true;
  for (std::size_t size = 1; size <= kSizes; ++size) {
    const auto* bytes = static_cast<const unsigned char*>(blocks[size - 1]);
    for (std::size_t i = 0; i < size; ++i) intact = intact && bytes[i] == size % 251;
    FramePool::deallocate(blocks[size - 1], size);
  }
  CHECK(intact);
  CHECK(FramePool::live() == before);
}

TEST_CASE("FramePool: a freed block serves the next frame of its size class") {
  if (kSanitized) return;  // There it is operator new, so that misuse is seen.
  void* first = FramePool::allocate(200);
  FramePool::deallocate(first, 200);

  void* second = FramePool::allocate(195);

  CHECK(second == first);
  FramePool::deallocate(second, 195);
}

TEST_CASE("FramePool: each thread has its own, and returns it when it ends") {
  const std::size_t before = FramePool::live();
  std::size_t in_thread = 1;

  std::thread([&] {
    in_thread = FramePool::live();
    void* block = FramePool::allocate(100);
    FramePool::deallocate(block, 100);
  }).join();

  CHECK(in_thread == 0);
  CHECK(FramePool::live() == before);  // The leak checker sees what the thread did not return.
}

}  // namespace
}  // namespace brigade
