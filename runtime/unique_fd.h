#pragma once

#include <cstddef>
#include <utility>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Owns a file descriptor and closes it. Counted per thread, so that a loop can show that it left
/// none behind.
///
/// Errors:   none; close() errors are ignored, as POSIX leaves nothing to do about them.
/// Threads:  used on one thread.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {
    if (fd_ >= 0) ++open_;
  }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    UniqueFd moved(std::move(other));
    std::swap(fd_, moved.fd_);
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

  /// Gives it up without closing it.
  int release() noexcept {
    if (fd_ >= 0) --open_;
    return std::exchange(fd_, -1);
  }

  /// Descriptors of this thread that are held now.
  static std::size_t open() noexcept { return open_; }

 private:
  static constinit thread_local std::size_t open_;
  int fd_ = -1;
};

inline constinit thread_local std::size_t UniqueFd::open_ = 0;

}  // namespace brigade
