#include "brigade/runtime/buffer_ring.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace brigade {
namespace {

// Names of Linux 6.12, which the headers of older systems do not have.
constexpr std::uint16_t kIncremental = 2;  // IOU_PBUF_RING_INC
constexpr unsigned kBufferMore = 1 << 4;   // IORING_CQE_F_BUF_MORE: the buffer is not full.

constexpr std::uint16_t kGroup = 0;
constexpr unsigned kIncrementalBuffers = 16;

}  // namespace

BufferRing::BufferRing(bool incremental) noexcept
    : incremental_(incremental), count_(incremental ? kIncrementalBuffers : kMaxBuffers) {
  void* const memory =
      ::mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  memory_ = static_cast<char*>(memory);
  entries_ = reinterpret_cast<io_uring_buf_ring*>(memory_ + kSize);
}

BufferRing::~BufferRing() {
  if (memory_ != nullptr) ::munmap(memory_, kMapped);
}

std::unique_ptr<BufferRing> BufferRing::open(io_uring& ring) noexcept try {
  for (const bool incremental : {true, false}) {
    std::unique_ptr<BufferRing> buffers(new BufferRing(incremental));
    if (buffers->memory_ != nullptr && buffers->attach(ring) == 0) return buffers;
  }
  return nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

int BufferRing::attach(io_uring& ring) noexcept {
  io_uring_buf_ring_init(entries_);
  const std::uint16_t flags = incremental_ ? kIncremental : 0;  // Called `pad` in older headers.
  io_uring_buf_reg registration{
      reinterpret_cast<std::uintptr_t>(entries_), count_, kGroup, flags, {}};
  const int result = io_uring_register_buf_ring(&ring, &registration, 0);
  for (unsigned id = 0; result == 0 && id < count_; ++id) provide(static_cast<unsigned short>(id));
  return result;
}

void BufferRing::provide(unsigned short id) noexcept {
  used_[id] = 0;
  io_uring_buf_ring_add(entries_, memory_ + id * buffer_size(),
                        static_cast<unsigned>(buffer_size()), id, io_uring_buf_ring_mask(count_),
                        0);
  io_uring_buf_ring_advance(entries_, 1);
}

void BufferRing::prepare_receive(io_uring_sqe* sqe, int fd) const noexcept {
  io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kGroup;
}

char* BufferRing::data(unsigned flags) noexcept {
  const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
  return memory_ + id * buffer_size() + used_[id];
}

void BufferRing::consumed(unsigned flags, int result) noexcept {
  const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
  if (result > 0) used_[id] += static_cast<std::size_t>(result);
  if ((flags & kBufferMore) == 0) provide(static_cast<unsigned short>(id));
}

}  // namespace brigade
