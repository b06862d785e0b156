// The sessions of the tutorials: `call` and `launch` as printed in 2022 and in 2015.
#include <string>

#include "doctest/doctest.h"
#include "tests/examples/program.h"

namespace {

std::string session(const std::string& arguments) {
  const Ended ended = run_program("examples/event_loop " + arguments);
  CHECK(ended.exit_code == 0);
  return "\n" + ended.output;
}

void check_refused(const std::string& arguments, const std::string& message) {
  const Ended ended = run_program("examples/event_loop " + arguments);
  CHECK(ended.exit_code == 2);
  CHECK(ended.output ==
        "event_loop: " + message +
            "\n"
            "usage: event_loop SECTION [2015|2022]\n"
            "  SECTION is one of tic_tac interleave call launch outlive cancel wait\n"
            "  the edition (2022 if none is given) matters to call and launch\n");
}

TEST_CASE("event_loop: tic_tac is shown with its status after each step") {
  CHECK(session("tic_tac") == R"(
<Task 'tic_tac' [NEW]>
Tic
<Task 'tic_tac' [RUNNING]>
Tac
<Task 'tic_tac' [RUNNING]>
<Task 'tic_tac' [FINISHED] ('Boum!')>
)");
}

TEST_CASE("event_loop: tic_tac and spam take turns") {
  CHECK(session("interleave") == R"(
Tic
Spam
Tac
Eggs
<Task 'tic_tac' [FINISHED] ('Boum!')>
Bacon
<Task 'spam' [FINISHED] ('SPAM!')>
)");
}

TEST_CASE("event_loop: a called coroutine runs to its end inside its caller") {
  const char* const in_2022 = R"(
Tâche 'example'
Lancement de la tâche 'subtask'
Tâche 'subtask'
(subtask)
(subtask)
Retour dans 'example'
(example)
(example)
(example)
<Task 'example' [FINISHED] (None)>
)";
  CHECK(session("call") == in_2022);
  CHECK(session("call 2022") == in_2022);
  CHECK(session("call 2015") == R"(
Tâche 'example'
Lancement de la tâche 'subtask'
Tâche 'subtask'
(subtask)
(subtask)
(subtask)
Retour dans 'example'
(example)
(example)
(example)
<Task 'example' [FINISHED] (None)>
)");
}

TEST_CASE("event_loop: a launched task runs beside its launcher") {
  CHECK(session("launch") == R"(
Tâche 'example'
Lancement de la tâche 'subtask'
Retour dans 'example'
(example)
Tâche 'subtask'
(subtask)
(example)
(subtask)
(example)
<Task 'subtask' [FINISHED] (None)>
<Task 'example' [FINISHED] (None)>
)");
  CHECK(session("launch 2015") == R"(
Tâche 'example'
Lancement de la tâche 'subtask'
Retour dans 'example'
(example)
Tâche 'subtask'
(subtask)
(example)
(subtask)
(example)
(subtask)
<Task 'example' [FINISHED] (None)>
<Task 'subtask' [FINISHED] (None)>
)");
}

TEST_CASE("event_loop: a task outlives its launcher and goes on in the next run") {
  CHECK(session("outlive") == R"(
Tâche 'example'
Lancement de la tâche 'subtask'
Retour dans 'example'
(example)
Tâche 'subtask'
(subtask)
(example)
(subtask)
(example)
(subtask)
<Task 'example' [FINISHED] (None)>
(subtask)
(subtask)
<Task 'subtask' [FINISHED] (None)>
)");
}

TEST_CASE("event_loop: a cancelled task ends at its next turn") {
  CHECK(session("cancel") == R"(
Tâche 'example'
Lancement de la tâche 'subtask'
Retour dans 'example'
(example)
Tâche 'subtask'
(subtask)
(example)
(subtask)
(example)
(subtask)
<Task 'subtask' [CANCELLED]>
<Task 'example' [FINISHED] (None)>
)");
}

TEST_CASE("event_loop: launch() of 2015 puts the launcher before the task it launches") {
  CHECK(session("wait") == R"(
Lancement de 3 tâches en parallèle
lancement de la tâche 'spam'
spam
lancement de la tâche 'eggs'
eggs
spam
lancement de la tâche 'bacon'
bacon
eggs
spam
bacon
eggs
spam
bacon
<Task 'repeat' [FINISHED] (None)>
spam
bacon
spam
bacon
spam
<Task 'repeat' [FINISHED] (None)>
spam
spam
spam
<Task 'repeat' [FINISHED] (None)>
Retour à la fonction principale: 3 OK, 0 erreurs
<Task 'main_task' [FINISHED] (None)>
)");
}

TEST_CASE("event_loop: says what it accepts when it is called wrongly") {
  check_refused("", "a section is missing");
  check_refused("tictac", "no section 'tictac'");
  check_refused("call 2016", "no edition '2016'");
  check_refused("call 2015 twice", "'twice' is one argument too many");
}

}  // namespace
