#pragma once

namespace brigade {

/// Lets io_uring_setup() fail with `error` for the rest of this process, as the seccomp filters of
/// containers do. For a forked child.
void forbid_io_uring(unsigned error);

/// Lets epoll_pwait2() fail with `error`, as filters do that are older than it.
void forbid_epoll_pwait2(unsigned error);

/// Lets io_uring_setup() fail with EINVAL if it is asked for any of these flags, as a kernel does
/// that is older than they are.
void forbid_ring_flags(unsigned flags);

/// Lets all of io_uring_register() fail with `error`.
void forbid_io_uring_register(unsigned error);

/// The same for the one operation of io_uring_register(), such as IORING_REGISTER_PBUF_RING.
void forbid_io_uring_register(unsigned error, unsigned operation);

/// Lets no thread and no process be started, with `error`, for the rest of this process.
void forbid_threads(unsigned error);

/// Lets io_uring_enter() fail with EBUSY where it only submits; one that also looks for completions
/// goes through. This is how a kernel short of room answers. For a forked child.
void refuse_mere_submits();

/// Lets io_uring_enter() fail with EAGAIN where it submits anything: a kernel without memory.
void refuse_submits();

}  // namespace brigade
