// Each line that says `want:` must be flagged, and no other.
#include "task.h"

Task<int> condition() {
  if (co_await number(1)) co_return 1;          // want: condition
  while (!co_await number(1)) co_return 2;      // want: condition
  for (; co_await number(1) > 0;) co_return 3;  // want: condition
  do {
  } while (true && co_await number(1));  // want: condition
  switch (co_await number(1)) {  // want: condition
    default:
      co_return 4;
  }
}

template <class T>
Task<T> condition_of_a_template(T value) {
  if (co_await value()) co_return 1;    // want: condition
  if (co_await number(1)) co_return 2;  // want: condition
  co_return 3;
}

Task<std::string> conditional(bool asked) {
  const std::string chosen = asked ? co_await text() : std::string();  // want: conditional
  co_return chosen;
}

Task<int> aggregate() {
  Options options{co_await text(), 1};                           // want: aggregate
  const std::string texts[] = {co_await text(), std::string()};  // want: aggregate
  co_return options.port;
}

Task<int> fresh() {
  co_return static_cast<int>((new std::string(co_await text()))->size());  // want: new
}

Task<int> temporary(std::string name) {
  const int a = co_await open({.host = name});                   // want: temporary
  const int b = co_await open(Options(name, 1));                 // want: temporary
  const int c = Options{name}.port + co_await number(1);         // want: temporary
  const int d = co_await call([name] { return int(name[0]); });  // want: temporary
  co_return a + b + c + d;
}

Task<int> open_by_default(Options options = {"localhost"});  // want: default temporary

struct Waiting {
  explicit Waiting(Options options = {});  // want: temporary
  bool await_ready();
  void await_suspend(std::coroutine_handle<> caller);
  int await_resume();
};

Task<int> relies_on_default() {
  const int n = co_await open_by_default();
  const int m = co_await Waiting();
  co_return n + m;
}

auto capture_value = [n = 1]() -> Task<int> { co_return n; };              // want: capture
auto capture_generic = [n = 1](auto m) -> Task<int> { co_return n + m; };  // want: capture

struct Holder {
  int value = 0;
  Task<int> capture_this() {
    const auto body = [this]() -> Task<int> { co_return co_await number(value); };  // want: capture
    co_return co_await body();
  }
};
