// A value that follows a request through all its tasks, without being handed on.
#include <cstdio>

#include "brigade/runtime/gather.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/task_local.h"

using namespace brigade;
using namespace std::chrono_literals;

TaskLocal<int> request_id;

Task<void> query(const char* what) {
  co_await sleep(1ms);
  std::printf("request %d: %s\n", request_id.get(), what);
}

Task<void> serve(int id) {
  request_id.set(id);
  co_await gather(query("user"), query("orders"));  // Tasks of their own: they inherit it.
}

Task<void> serve_two() { co_await gather(serve(1), serve(2)); }

int main() { run(serve_two()); }
