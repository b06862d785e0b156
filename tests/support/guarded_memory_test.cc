#include "brigade/tests/support/guarded_memory.h"

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "brigade/runtime/check.h"
#include "brigade/runtime/loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

constexpr std::size_t kSize = 3 * kGuardedSize + 16;

// Where a block was; no optimizer knows what becomes of it.
std::uintptr_t address_of_freed_block() {
  const auto block = std::make_unique<char[]>(kSize);
  return reinterpret_cast<std::uintptr_t>(block.get());
}

TEST_CASE("Guarded memory: a block is writable up to its last byte, and no address comes again") {
  const std::size_t before = guarded_blocks();
  auto block = std::make_unique<char[]>(kSize);
  std::fill_n(block.get(), kSize, 'x');
  const auto small = std::make_unique<char[]>(kGuardedSize - 1);

  CHECK(guarded_blocks() == before + 1);
  CHECK(address_of_freed_block() != address_of_freed_block());
}

void touch(std::uintptr_t address) { *reinterpret_cast<volatile char*>(address) = 'x'; }

void check_faults(void (*body)()) {
  const ChildEnd end = run_in_child(body);
  CHECK((end.signal == SIGSEGV || end.errors.find("SEGV") != std::string::npos));
}

TEST_CASE("Guarded memory: who writes behind a block, or to one that was freed, faults") {
  check_faults([] {
    const auto block = std::make_unique<char[]>(kSize);
    touch(reinterpret_cast<std::uintptr_t>(block.get()) + kSize);
  });
  check_faults([] { touch(address_of_freed_block()); });
}

// A receive into memory that the test frees when it likes.
class Receive : public Operation {
 public:
  Receive() noexcept : Operation(&completed) {
    int ends[2] = {-1, -1};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair() failed");
    ours = UniqueFd(ends[0]);
    peer = UniqueFd(ends[1]);
  }

  void start(void* memory, std::size_t size) {
    Loop& loop = Loop::current();
    loop.prepare_io();
    loop.attach(ours.get());
    request = Request{Request::Kind::kReceive, ours.get(), memory, size, 0};
    loop.submit(*this, request);
  }

  UniqueFd ours;
  UniqueFd peer;
  Request request;
  int result = 0;

 private:
  static void completed(Operation& operation, int result, bool) noexcept {
    auto& self = static_cast<Receive&>(operation);
    self.result = result;
    const bool again = result == -EINTR || result == -EAGAIN;  // Chaos does that.
    if (again) Loop::current().submit(self, self.request);
  }
};

// The check of operator delete is bypassed: the address is that of a block freed before.
Task<void> receive_to_freed_memory() {
  Receive receive;
  receive.start(reinterpret_cast<void*>(address_of_freed_block()), kSize);
  check(::send(receive.peer.get(), "late", 4, 0) == 4, "send() failed");
  while (receive.in_flight()) co_await yield_now();
  CHECK(receive.result == -EFAULT);
}

TEST_CASE("Guarded memory: a kernel that writes to a freed block gets -EFAULT") {
  if (loop_options().make_backend) return;  // Chaos gives the kernel a buffer of its own.
  run_async_real(&receive_to_freed_memory);
}

Task<void> free_what_is_received_to() {
  auto* const block = new char[1000];
  Receive receive;
  receive.start(block + 100, 10);
  co_await turns(3);
  delete[] block;
}

TEST_CASE("Guarded memory: freeing what a request in flight names ends the program [T-02]") {
  check_dies([] { run_async_real(&free_what_is_received_to); },
             "memory is freed that the kernel holds");
}

TEST_CASE("Guarded memory: what a request no longer names may be freed, and its neighbours") {
  run_async_real([]() -> Task<void> {
    auto before = std::make_unique<char[]>(1000);
    auto block = std::make_unique<char[]>(1000);
    auto after = std::make_unique<char[]>(1000);
    Receive receive;
    receive.start(block.get(), 1000);
    co_await turns(3);

    before.reset();
    after.reset();
    check(::send(receive.peer.get(), "here", 4, 0) == 4, "send() failed");
    while (receive.in_flight()) co_await yield_now();
    block.reset();

    CHECK(receive.result > 0);  // Fewer than sent, if there is chaos.
  });
}

}  // namespace
}  // namespace brigade
