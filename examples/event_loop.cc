// The event loop, explained by what it prints: the sessions of the French tutorials on asyncio,
// line for line. A session runs on a loop of its own, which prints each task that ends.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/sleep.h"
#include "brigade/runtime/spawn.h"
#include "brigade/runtime/wait.h"

namespace {

using brigade::Loop;
using brigade::Task;
using brigade::TaskHandle;

enum class Edition { k2015, k2022 };

void say(std::string_view line) { std::cout << line << '\n'; }

brigade::LoopOptions print_each_end() {
  brigade::LoopOptions options;
  options.on_task_end = [](const brigade::TaskRef& task) { std::cout << task << '\n'; };
  return options;
}

Task<std::string> tic_tac() {
  say("Tic");
  co_await brigade::yield_now();
  say("Tac");
  co_await brigade::yield_now();
  co_return "Boum!";
}

Task<std::string> spam() {
  say("Spam");
  co_await brigade::yield_now();
  say("Eggs");
  co_await brigade::yield_now();
  say("Bacon");
  co_await brigade::yield_now();
  co_return "SPAM!";
}

Task<void> say_each_turn(std::string line, int times) {
  for (int i = 0; i < times; ++i) {
    say(line);
    co_await brigade::yield_now();
  }
}

Task<void> subtask(int times) {
  say("Tâche 'subtask'");
  co_await say_each_turn("(subtask)", times);
}

void say_start_of_example() {
  say("Tâche 'example'");
  say("Lancement de la tâche 'subtask'");
}

Task<void> rest_of_example() {
  say("Retour dans 'example'");
  co_await say_each_turn("(example)", 3);
}

// The launch() of the 2015 edition: the caller goes back to the queue, then the new task behind it.
class Launch {
 public:
  Launch(Task<void> task, std::string name) : task_(std::move(task)), name_(std::move(name)) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> caller) noexcept {
    if (!turn_.await_suspend(caller)) return false;
    launched_.emplace(brigade::spawn(std::move(task_), std::move(name_)));
    return true;
  }
  TaskHandle<void> await_resume() {
    turn_.await_resume();
    return std::move(*launched_);
  }

 private:
  Task<void> task_;
  std::string name_;
  brigade::YieldNow turn_;
  std::optional<TaskHandle<void>> launched_;
};

// The sections.

void show_tic_tac(Edition) {
  Loop loop;
  const TaskHandle<std::string> task = loop.spawn(tic_tac(), "tic_tac");
  std::cout << task << '\n';
  while (!task.done()) {
    loop.run_once();
    std::cout << task << '\n';
  }
}

void show_interleave(Edition) {
  Loop loop(print_each_end());
  std::ignore = loop.spawn(tic_tac(), "tic_tac");
  std::ignore = loop.spawn(spam(), "spam");
  loop.run_until_idle();
}

Task<void> calling_example(int times) {
  say_start_of_example();
  co_await subtask(times);
  co_await rest_of_example();
}

void show_call(Edition edition) {
  Loop loop(print_each_end());
  loop.run_until_complete(calling_example(edition == Edition::k2015 ? 3 : 2), "example");
}

Task<void> launching_example(int times) {
  say_start_of_example();
  std::ignore = brigade::spawn(subtask(times), "subtask");
  co_await rest_of_example();
}

Task<void> launching_example_of_2015() {
  say_start_of_example();
  std::ignore = co_await Launch(subtask(3), "subtask");
  co_await rest_of_example();
}

void show_launch(Edition edition) {
  Loop loop(print_each_end());
  if (edition == Edition::k2015) {
    std::ignore = loop.spawn(launching_example_of_2015(), "example");
    loop.run_until_idle();
  } else {
    loop.run_until_complete(launching_example(2), "example");
  }
}

void show_outlive(Edition) {
  Loop loop(print_each_end());
  loop.run_until_complete(launching_example(5), "example");
  loop.run_until_idle();  // What is left: a subtask that outlived its launcher.
}

Task<void> cancelling_example() {
  say_start_of_example();
  const TaskHandle<void> launched = brigade::spawn(subtask(5), "subtask");
  co_await rest_of_example();
  launched.cancel();
  co_await brigade::yield_now();  // The loop takes note of the cancel.
}

void show_cancel(Edition) {
  Loop loop(print_each_end());
  loop.run_until_complete(cancelling_example(), "example");
}

Task<void> repeat(std::string message, int times) {
  say("lancement de la tâche '" + message + "'");
  co_await say_each_turn(message, times);
}

Task<void> main_task() {
  say("Lancement de 3 tâches en parallèle");
  std::vector<TaskHandle<void>> tasks;
  tasks.push_back(co_await Launch(repeat("spam", 10), "repeat"));
  tasks.push_back(co_await Launch(repeat("eggs", 3), "repeat"));
  tasks.push_back(co_await Launch(repeat("bacon", 5), "repeat"));
  const auto ended = co_await brigade::wait(std::move(tasks));

  int errors = 0;
  for (const auto& task : ended.done) errors += task.error() != nullptr;
  const int returned = static_cast<int>(ended.done.size()) - errors;
  say("Retour à la fonction principale: " + std::to_string(returned) + " OK, " +
      std::to_string(errors) + " erreurs");
}

void show_wait(Edition) {
  Loop loop(print_each_end());
  loop.run_until_complete(main_task(), "main_task");
}

struct Section {
  std::string_view name;
  void (*show)(Edition);
};
constexpr Section kSections[] = {{"tic_tac", show_tic_tac}, {"interleave", show_interleave},
                                 {"call", show_call},       {"launch", show_launch},
                                 {"outlive", show_outlive}, {"cancel", show_cancel},
                                 {"wait", show_wait}};

[[noreturn]] void refuse(const std::string& why) {
  std::cerr << "event_loop: " << why
            << "\nusage: event_loop SECTION [2015|2022]\n  SECTION is one of";
  for (const Section& section : kSections) std::cerr << ' ' << section.name;
  std::cerr << "\n  the edition (2022 if none is given) matters to call and launch\n";
  std::exit(2);
}

Edition edition_of(std::string_view word) {
  if (word == "2015") return Edition::k2015;
  if (word == "2022") return Edition::k2022;
  refuse("no edition '" + std::string(word) + "'");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) refuse("a section is missing");
  if (words.size() > 2) refuse("'" + words[2] + "' is one argument too many");
  const Edition edition = edition_of(words.size() == 2 ? words[1] : "2022");
  for (const Section& section : kSections) {
    if (section.name != words[0]) continue;
    section.show(edition);
    return 0;
  }
  refuse("no section '" + words[0] + "'");
}
