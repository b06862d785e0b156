// Nothing here may be flagged: the ways out of each trap, and what only looks like one.
#include <chrono>
#include <memory>

#include "task.h"

Task<int> hoisted() {
  const int n = co_await number(1);
  if (n == 0) co_return 0;
  if (const int m = co_await number(2); m > 0) co_return m;
  while (const int m = co_await number(3)) co_return m;
  co_return co_await number(4) == 4 ? 1 : 2;
}

Task<int> another_function_awaits() {
  const auto count = [](auto body) { return body ? 1 : 0; };
  if (count([]() -> Task<int> { co_return co_await number(1); })) co_return 1;
  co_return 2;
}

Task<int> named(std::string name) {
  Options options{name, 1};
  const auto size = [name] { return static_cast<int>(name.size()); };
  co_return co_await open(std::move(options)) + co_await call(size);
}

Task<int> made_by_a_constructor_or_a_call(std::string name) {
  const auto owned = std::make_unique<std::string>(co_await text());
  const std::string host = (co_await options()).host;
  co_return co_await open(default_options()) + co_await open_named(Name(name));
}

Task<int> nothing_to_destroy(std::string name) {
  co_return co_await call([&name] { return static_cast<int>(name.size()); });
}

void run_all(Options options = {});  // No task takes it and nothing awaits it.

Task<int> open_soon(Name name = Name("localhost"), int port = 0);

// A closure that only calls a named coroutine is no coroutine: its captures are copied into the
// frame.
Task<int> length(std::string text) { co_return static_cast<int>(text.size()); }
auto bound = [text = std::string("a")] { return length(text); };

auto without_captures = [](int n) -> Task<int> { co_return co_await number(n); };

// #define NAME(x), #if, namespace detail and system_clock in words are only words.
const char* const kWords = "namespace detail, system_clock";
using Clock = std::chrono::steady_clock;
constexpr long kSeparated = 1'000'000;
