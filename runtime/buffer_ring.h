#pragma once

#include <liburing.h>

#include <array>
#include <cstddef>
#include <memory>

namespace brigade {

/// The memory that a ring's multishot receives share: the kernel takes a buffer when bytes are
/// there, so that a connection which waits for them holds none. An incremental buffer
/// (IOU_PBUF_RING_INC, Linux 6.12) takes one message behind the other until it is full; a plain one
/// takes one. A buffer is the kernel's again as soon as all that came in it was told.
///
/// Errors:     open() answers nullptr if the kernel refuses or there is no memory; else none.
/// Complexity: O(1); 1 MiB, of which what was never used costs nothing.
/// Threads:    the ring's.
/// Lifetime:   outlives the receives in flight; ends after its ring.
class BufferRing {
 public:
  static std::unique_ptr<BufferRing> open(io_uring& ring) noexcept;
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  bool incremental() const noexcept { return incremental_; }
  void prepare_receive(io_uring_sqe* sqe, int fd) const noexcept;

  /// The bytes of the completion with these flags, in the order in which completions come.
  char* data(unsigned flags) noexcept;

  /// They were told.
  void consumed(unsigned flags, int result) noexcept;

 private:
  static constexpr std::size_t kSize = std::size_t{1} << 20;
  static constexpr std::size_t kMaxBuffers = 256;

  // In one piece: first the buffers, then what the kernel and we know of them.
  static constexpr std::size_t kMapped = kSize + kMaxBuffers * sizeof(io_uring_buf);

  explicit BufferRing(bool incremental) noexcept;
  int attach(io_uring& ring) noexcept;
  std::size_t buffer_size() const noexcept { return kSize / count_; }
  void provide(unsigned short id) noexcept;

  const bool incremental_;
  const unsigned count_;
  io_uring_buf_ring* entries_ = nullptr;
  char* memory_ = nullptr;
  std::array<std::size_t, kMaxBuffers> used_{};  // bytes, by buffer
};

}  // namespace brigade
