#pragma once

#include <pthread.h>

#include <cstddef>

#include "brigade/runtime/check.h"

namespace brigade {

/// Runs `function` on a thread that has 256 KiB of stack: whatever recurses with depth dies there.
template <class Function>
void run_on_small_stack(Function function) {
  pthread_attr_t attributes;
  check(pthread_attr_init(&attributes) == 0, "pthread_attr_init() failed");
  check(pthread_attr_setstacksize(&attributes, std::size_t{256} << 10) == 0, "too small a stack");
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<Function*>(argument))();
    return nullptr;
  };
  check(pthread_create(&thread, &attributes, start, &function) == 0, "pthread_create() failed");
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace brigade
