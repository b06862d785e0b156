// A machine that gives less than brigade would like to have.
#include <fcntl.h>
#include <grp.h>
#include <linux/io_uring.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "brigade/net/connect.h"
#include "brigade/net/server.h"
#include "brigade/runtime/check.h"
#include "brigade/runtime/poll.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

// Something of everything: accepts, connects, sends, receives, polls, sleeps.
Task<void> work() {
  const Server server = co_await start_server(&echo, "127.0.0.1", 0);
  auto [reader, writer] = co_await open_connection("127.0.0.1", server.addresses()[0].port());
  const bool served = co_await is_served(reader, writer);
  check(served, "the client is served");
  const Pipe pipe;
  pipe.write_byte();
  co_await wait_readable(pipe.reader.get());
  co_await sleep(1ms);
}

// In a child: works, leaves nothing behind, and tells on stderr what it did it with.
void work_on(BackendKind backend) {
  LoopOptions options;
  options.backend = backend;
  Loop loop(std::move(options));
  std::fprintf(stderr, "uses %s\n", loop.capabilities().to_string().c_str());
  loop.run_until_complete(work());
  loop.close();
  check(loop.ledger() == Ledger{}, "nothing is left");
}

void check_worked(const ChildEnd& end) {
  INFO("stderr of the child: ", end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("Loop: where io_uring_register is refused, the ring does without it [E-02]") {
  const ChildEnd allowed = run_in_child([] { work_on(BackendKind::kIoUring); });
  check_worked(allowed);
  CHECK(contains(allowed.errors, "registered ring"));

  for (void (*const refuse)() :
       {+[] { forbid_io_uring_register(EPERM); }, +[] { forbid_io_uring_register(ENOSYS); }}) {
    static void (*refused)();
    refused = refuse;
    const ChildEnd end = run_in_child([] {
      refused();
      work_on(BackendKind::kIoUring);
    });
    check_worked(end);
    CHECK(contains(end.errors, "uses io_uring: "));
    CHECK_FALSE(contains(end.errors, "registered ring"));
  }
}

// What the loop of this child could use but for that one operation of io_uring_register().
ChildEnd work_without(unsigned operation) {
  static unsigned refused;
  refused = operation;
  return run_in_child([] {
    forbid_io_uring_register(EINVAL, refused);
    work_on(BackendKind::kIoUring);
  });
}

TEST_CASE("Loop: what the kernel refuses of io_uring_register is done without, by itself [E-03]") {
  const ChildEnd all = run_in_child([] { work_on(BackendKind::kIoUring); });
  const ChildEnd no_buffers = work_without(IORING_REGISTER_PBUF_RING);
  const ChildEnd no_ring = work_without(IORING_REGISTER_RING_FDS);

  for (const ChildEnd* end : {&all, &no_buffers, &no_ring}) {
    check_worked(*end);
    CHECK(contains(end->errors, "uses io_uring: "));
  }
  for (const char* shared : {"multishot receive", "incremental buffers"}) {
    CHECK_FALSE(contains(no_buffers.errors, shared));
    CHECK(contains(no_ring.errors, shared) == contains(all.errors, shared));
  }
  CHECK(contains(no_buffers.errors, "registered ring"));
  CHECK_FALSE(contains(no_ring.errors, "registered ring"));
}

// How the ring of this child began where those flags of io_uring_setup() are not known.
std::string ring_without(unsigned flags) {
  static unsigned refused;
  refused = flags;
  const ChildEnd end = run_in_child([] {
    forbid_ring_flags(refused);
    work_on(BackendKind::kIoUring);
  });
  check_worked(end);
  CHECK(contains(end.errors, "uses io_uring: "));
  return end.errors;
}

TEST_CASE("Loop: set-up flags that the kernel does not know are done without [E-03]") {
  const std::string all = ring_without(0);
  CHECK(contains(all, "single issuer, deferred task work"));

  const std::string no_deferring = ring_without(IORING_SETUP_DEFER_TASKRUN);
  CHECK(contains(no_deferring, "single issuer"));
  CHECK_FALSE(contains(no_deferring, "deferred task work"));
  CHECK(contains(no_deferring, "multishot receive") == contains(all, "multishot receive"));

  for (const unsigned alone : {0u, IORING_SETUP_DEFER_TASKRUN}) {
    const std::string no_issuer = ring_without(IORING_SETUP_SINGLE_ISSUER | alone);
    for (const char* missing : {"single issuer", "deferred task work", "multishot receive"})
      CHECK_FALSE(contains(no_issuer, missing));
  }
}

TEST_CASE("Loop: where no set-up is known io_uring is too old, and epoll serves [E-03]") {
  const ChildEnd end = run_in_child([] {
    ::unsetenv("BRIGADE_BACKEND");
    forbid_ring_flags(IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN);
    work_on(BackendKind::kAuto);
  });

  check_worked(end);
  CHECK(contains(end.errors, "io_uring is missing or too old"));
  CHECK(contains(end.errors, "uses epoll"));
}

TEST_CASE("Loop: a filter that is older than io_uring and epoll_pwait2 refuses both [E-01]") {
  const ChildEnd end = run_in_child([] {
    ::unsetenv("BRIGADE_BACKEND");
    forbid_io_uring(EPERM);
    forbid_epoll_pwait2(EPERM);
    work_on(BackendKind::kAuto);
  });

  check_worked(end);
  CHECK(contains(end.errors, "uses epoll"));
}

Task<void> read_pieces() {
  Link link(unix_pair());
  std::size_t got = 0;
  for (const std::size_t size : {1, 100, 100, 50'000, 100, 100, 100, 5000, 1}) {
    const std::string bytes = counter_bytes(got, size);
    send_raw(link.peer, bytes);
    const std::string_view read = co_await link.reader.readexactly(size);
    check(is_counter(read, got), "each byte is where it belongs");
    got += size;
  }
  for (const Request& request : Loop::current().operations())
    check(request.kind != Request::Kind::kReceiveMultishot, "no receive shares buffers");
}

TEST_CASE("Streams: where receives cannot share buffers each has its own [E-03]") {
  const ChildEnd end = run_in_child([] {
    forbid_io_uring_register(EINVAL, IORING_REGISTER_PBUF_RING);
    LoopOptions options;
    options.backend = BackendKind::kIoUring;
    run_async(&read_pieces, options);
  });

  check_worked(end);
}

rlim_t memory_limit = 0;
uid_t user = 0;

void become_user() {
  check(::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0,
        "this process may not become another user");
}

// The kernel counts what the rings of a user have locked: each time it is another one.
uid_t another_user() { return 100'000 + std::random_device()() % 1'000'000'000; }

bool may_become_user() {
  user = another_user();
  const bool may = run_in_child(&become_user).signal == 0;
  if (!may)
    MESSAGE("not shown: only root outside a sandbox can become a user without locked memory");
  return may;
}

void limit_locked_memory() {
  const rlimit limit{memory_limit, memory_limit};
  check(::setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "setrlimit() failed");
  become_user();
}

ChildEnd work_with_locked_memory(rlim_t bytes) {
  memory_limit = bytes;
  user = another_user();
  return run_in_child([] {
    ::unsetenv("BRIGADE_BACKEND");
    limit_locked_memory();
    work_on(BackendKind::kAuto);
  });
}

TEST_CASE("Loop: with little memory to lock the ring shrinks, with none epoll serves [E-04]") {
  if (!may_become_user()) return;
  const ChildEnd none = work_with_locked_memory(0);
  check_worked(none);
  if (contains(none.errors, "uses io_uring: ")) {
    MESSAGE("not shown: this kernel does not count the memory of rings as locked");
    return;
  }
  CHECK(contains(none.errors, "io_uring gets no memory"));
  CHECK(contains(none.errors, "using epoll"));
  CHECK(contains(none.errors, "uses epoll"));

  bool shrunk = false;
  for (rlim_t kibibytes = 16; kibibytes <= 128; kibibytes += 8) {
    const ChildEnd end = work_with_locked_memory(kibibytes * 1024);
    check_worked(end);
    const bool ring = contains(end.errors, "uses io_uring: ");
    CHECK(ring != contains(end.errors, "using epoll"));
    shrunk = shrunk || (ring && !contains(end.errors, "and 4096"));
  }
  CHECK(shrunk);

  const ChildEnd enough = work_with_locked_memory(1 << 20);
  check_worked(enough);
  CHECK(contains(enough.errors, "queues of 256 and 4096"));
}

Task<void> wait_for_a_byte() {
  const Pipe pipe;
  pipe.write_byte();
  co_await wait_readable(pipe.reader.get());
}

TEST_CASE("Loop: a ring waits for the memory of those closed a moment ago [E-04]") {
  if (!may_become_user()) return;
  memory_limit = 256 << 10;
  user = another_user();
  const ChildEnd end = run_in_child([] {
    limit_locked_memory();
    LoopOptions options;
    options.backend = BackendKind::kIoUring;
    for (int i = 0; i < 200; ++i) run_async(&wait_for_a_byte, options);
  });

  check_worked(end);
}

constexpr int kDescriptors = 64;

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < kDescriptors; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

// Whether a loop and its back end start while `spare` descriptors are free.
bool starts_with(int spare, BackendKind backend) {
  std::vector<UniqueFd> hoard;
  while (open_descriptors() < kDescriptors - spare) hoard.emplace_back(::eventfd(0, EFD_CLOEXEC));
  LoopOptions options;
  options.backend = backend;
  try {
    Loop loop(std::move(options));
    try {
      loop.capabilities();
      return true;
    } catch (const std::system_error&) {
      hoard.clear();
      loop.run_until_complete(work());  // The loop itself is as good as new.
      throw;
    }
  } catch (const std::system_error& error) {
    hoard.clear();
    check(error.code() == std::errc::too_many_files_open, "the error names the cause");
    return false;
  }
}

TEST_CASE("Loop: without a free descriptor it is an error, and nothing is leaked [E-08]") {
  const ChildEnd end = run_in_child([] {
    const rlimit limit{kDescriptors, kDescriptors};
    check(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit() failed");
    // UBSan needs descriptors to look at what it meets for the first time.
    const std::system_error met(EMFILE, std::system_category(), "met");
    check(met.code() == std::errc::too_many_files_open, "the error has that name");
    for (const BackendKind backend :
         {BackendKind::kAuto, BackendKind::kIoUring, BackendKind::kEpoll}) {
      work_on(backend);
      const int before = open_descriptors();
      int spare = 0;
      while (!starts_with(spare, backend)) ++spare;
      check(spare == 2, "a loop needs two descriptors");
      check(open_descriptors() == before, "no descriptor is leaked");
      check(UniqueFd::open() == 0, "none is held");
    }
    work_on(BackendKind::kAuto);
  });

  check_worked(end);
}

}  // namespace
}  // namespace brigade
