// What to_thread() does to a process. Apart from to_thread_test.cc: a child does not inherit the
// threads of a pool that is in use.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <thread>

#include "brigade/runtime/to_thread.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/child.h"
#include "brigade/tests/support/seccomp.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using namespace std::chrono_literals;

std::binary_semaphore begun{0};
std::binary_semaphore exiting{0};

void write_slowly() {
  begun.release();
  exiting.acquire();
  std::this_thread::sleep_for(20ms);  // A program that does not wait is gone by then.
  std::fputs("written\n", stderr);
}

/// A static object that does something at its end.
class AtEnd {
 public:
  explicit AtEnd(void (*function)()) noexcept : function_(function) {}
  ~AtEnd() { function_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  void (*function_)();
};

TEST_CASE("to_thread: a thread that cannot be started is an error of the call") {
  const ChildEnd end = run_in_child([] {
    Loop loop;
    forbid_threads(EAGAIN);
    std::fputs(loop.run_until_complete(thrown_by(call_on(*new ThreadPool(1), [] {}))).c_str(),
               stderr);
  });

  CHECK(end.exit_code == 0);
  CHECK(end.errors.find("start a thread: Resource temporarily unavailable") != std::string::npos);
}

TEST_CASE("to_thread: exit() lets a call that runs finish while static objects live") {
  const ChildEnd end = run_in_child([] {
    static const AtEnd older([] { std::fputs("static objects end\n", stderr); });
    Loop loop;
    detach(loop.spawn(to_thread(&write_slowly)));
    loop.run_once();
    begun.acquire();
    loop.close();
    static const AtEnd newer([] { exiting.release(); });
    std::exit(0);
  });

  CHECK(end.exit_code == 0);
  CHECK(end.errors == "written\nstatic objects end\n");
}

}  // namespace
}  // namespace brigade
