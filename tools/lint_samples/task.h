#pragma once

// The least that looks like a Task, for samples that are parsed and never run.

#include <coroutine>
#include <functional>
#include <string>

template <class T>
struct Task {
  struct promise_type {
    Task get_return_object();
    std::suspend_always initial_suspend() noexcept;
    std::suspend_always final_suspend() noexcept;
    void return_value(T value);
    void unhandled_exception();
  };
  bool await_ready();
  void await_suspend(std::coroutine_handle<> caller);
  T await_resume();
};

struct Options {
  std::string host;
  int port = 0;
};

class Name {
 public:
  explicit Name(std::string text);

 private:
  std::string text_;
};

Options default_options();
Task<int> number(int n);
Task<std::string> text();
Task<Options> options();
Task<int> open(Options options);
Task<int> open_named(Name name);
Task<int> call(std::function<int()> function);
