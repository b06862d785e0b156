#include "brigade/runtime/epoll.h"

#include <cerrno>
#include <chrono>

#include "brigade/runtime/check.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Epoll: where epoll_pwait2 is refused epoll_wait serves, and it is not asked again") {
  for (const unsigned error : {ENOSYS, EPERM, EACCES}) {
    static unsigned refused;
    refused = error;
    const ChildEnd end = run_in_child([] {
      Epoll epoll;
      forbid_epoll_pwait2(refused);
      const auto begin = std::chrono::steady_clock::now();
      epoll.wait(1500us);
      check(std::chrono::steady_clock::now() - begin >= 1500us, "it sleeps, and not too short");
      forbid_epoll_pwait2(EINVAL);  // Which is no refusal.
      epoll.poll();
    });

    CHECK(end.errors == "");
    CHECK(end.signal == 0);
  }
}

}  // namespace
}  // namespace brigade
