#pragma once

#include <cstddef>

namespace brigade {

/// Linking this replaces operator new and delete of the whole program, so that memory which is
/// freed while the kernel holds it is found:
///
/// - A block of this size or more, such as a stream's buffer, has pages of its own. They end at
///   most 15 bytes behind it, before one that nobody may touch, and go for good when it is freed:
///   no address is used twice. Who comes late meets a fault; a kernel that does answers -EFAULT.
/// - Freeing a block of any size that a request in flight names, of the loop that runs on this
///   thread, ends the program.
inline constexpr std::size_t kGuardedSize = 4096;

/// How many blocks have been given such pages.
std::size_t guarded_blocks() noexcept;

}  // namespace brigade
