#include "brigade/tests/support/seccomp.h"

#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <span>
#include <thread>

#include "brigade/runtime/check.h"

namespace brigade {
namespace {

constexpr unsigned kSystemCall = offsetof(seccomp_data, nr);

// The low half.
constexpr unsigned argument(unsigned index) {
  return static_cast<unsigned>(offsetof(seccomp_data, args) + index * sizeof(__u64));
}
constexpr std::size_t kParametersOfSetup = 1;
constexpr unsigned kCountOfEnter = argument(1);
constexpr unsigned kFlagsOfEnter = argument(3);
constexpr unsigned kOperationOfRegister = argument(1);

void install(std::span<sock_filter> filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS failed");
  check(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP failed");
}

// Decides about each call that `listener` tells of; a filter sees no memory, a thread that has none
// does. Ends with the process.
void decide_setups(int listener, unsigned refused) {
  for (;;) {
    seccomp_notif call{};
    check(::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0, "no call was told");
    const auto* parameters =
        reinterpret_cast<const io_uring_params*>(call.data.args[kParametersOfSetup]);
    seccomp_notif_resp answer{};
    answer.id = call.id;
    if ((parameters->flags & refused) != 0)
      answer.error = -EINVAL;
    else
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    check(::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0, "no answer was taken");
  }
}

void forbid(unsigned system_call, unsigned error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSystemCall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  install(filter);
}

}  // namespace

void forbid_io_uring(unsigned error) { forbid(SYS_io_uring_setup, error); }

void forbid_epoll_pwait2(unsigned error) { forbid(SYS_epoll_pwait2, error); }

void forbid_ring_flags(unsigned flags) {
  static std::atomic<int> listener = -1;
  std::thread([flags] {
    listener.wait(-1);
    decide_setups(listener, flags);
  }).detach();  // Begun before the filter, and so without it.

  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSystemCall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS failed");
  const long fd =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  check(fd >= 0, "SECCOMP_FILTER_FLAG_NEW_LISTENER failed");
  listener = static_cast<int>(fd);
  listener.notify_one();
}

void forbid_io_uring_register(unsigned error) { forbid(SYS_io_uring_register, error); }

void forbid_io_uring_register(unsigned error, unsigned operation) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSystemCall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kOperationOfRegister),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7fffffff),  // The top bit: by a registered ring.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, operation, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  install(filter);
}

void forbid_threads(unsigned error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSystemCall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  install(filter);
}

void refuse_mere_submits() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSystemCall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFlagsOfEnter),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, IORING_ENTER_GETEVENTS, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBUSY),
  };
  install(filter);
}

void refuse_submits() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSystemCall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kCountOfEnter),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
  };
  install(filter);
}

}  // namespace brigade
