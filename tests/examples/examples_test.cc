#include <regex>
#include <string>

#include "doctest/doctest.h"
#include "tests/examples/program.h"

namespace {

std::string output_of(const std::string& program) {
  const Ended ended = run_program("examples/" + program);
  CHECK(ended.exit_code == 0);
  return "\n" + ended.output;
}

TEST_CASE("hello: two dishes cook at once, the quicker is ready first") {
  CHECK(output_of("hello") == R"(
fries: 2 s
soda: 1 s
soda is ready
fries is ready
)");
}

TEST_CASE("timeout: what takes too long is cancelled, and cleans up") {
  CHECK(output_of("timeout") == R"(
ask: 42
compute: cancelled, cleaning up
ask: deadline passed
)");
}

TEST_CASE("deadline: moves on while something happens") {
  CHECK(output_of("deadline") == R"(
heard something after 1 s
heard something after 2 s
heard something after 4 s
5 s of silence
)");
}

TEST_CASE("task_group: one that fails cancels the others") {
  CHECK(output_of("task_group") == R"(
soup: ready
pie: ready
roast: ready
dinner: 3 dishes
soup: ready
roast: thrown away
no dinner: the souffle has fallen
)");
}

TEST_CASE("as_completed: the quickest first, until time is up") {
  CHECK(output_of("as_completed") == R"(
served: soda
served: fries
the customers have left
)");
}

TEST_CASE("shield: what is saved outlives the wait for it") {
  CHECK(output_of("shield") == R"(
not waiting any longer
saved
)");
}

TEST_CASE("async_generator: one item after the other") {
  CHECK(output_of("async_generator") == R"(
eating soup
eating roast
eating cake
full
)");
}

TEST_CASE("batch_cache: one batch serves five, and one more is fetched for the sixth") {
  CHECK(output_of("batch_cache") == R"(
0 s: frying 5 portions
4 s: frying 5 portions
4 s: customer 1 gets portion 1
4 s: customer 2 gets portion 2
4 s: customer 3 gets portion 3
4 s: customer 4 gets portion 4
4 s: customer 5 gets portion 5
8 s: customer 6 gets portion 6
)");
}

TEST_CASE("keyed_batch_cache: after the first id of a table, none is waited for") {
  CHECK(output_of("keyed_batch_cache") == R"(
order 1 after 100 ms
item 1 after 100 ms
item 2 after 0 ms
item 3 after 0 ms
item 4 after 0 ms
item 5 after 0 ms
order 2 after 0 ms
<KeyedBatchCache "ids" 2 of 100 keys>
)");
}

TEST_CASE("wait_readable: each word is read when it arrives") {
  CHECK(output_of("wait_readable") == R"(
read 'one'
read 'two'
read 'three'
end of the pipe
)");
}

TEST_CASE("pong: what is sent comes back, and the server ends") {
  CHECK(output_of("pong") == R"(
sent 'ping', received 'ping'
)");
}

TEST_CASE("soda_machine: one machine serves one customer after the other") {
  CHECK(output_of("soda_machine") == R"(
2 s: A has a soda
4 s: B has a soda
6 s: C has a soda
)");
}

TEST_CASE("limit_connections: a page starts when another one is here") {
  CHECK(output_of("limit_connections") == R"(
0 s: page 1 starts
0 s: page 2 starts
1 s: page 1 is here
1 s: page 3 starts
2 s: page 2 is here
2 s: page 4 starts
4 s: page 3 is here
4 s: page 5 starts
6 s: page 4 is here
9 s: page 5 is here
)");
}

TEST_CASE("request_id: each query knows the request it belongs to") {
  CHECK(output_of("request_id") == R"(
request 1: user
request 1: orders
request 2: user
request 2: orders
)");
}

TEST_CASE("schedules: one order of two tasks loses an update") {
  CHECK(output_of("schedules") == R"(
schedule 0: 25
schedule 1 0: 20
schedule 1 1: 25
)");
}

TEST_CASE("coroutine_forms: the forms to write do what they say") {
  CHECK(output_of("coroutine_forms") == R"(
one burger
cooked: fries
shop 1 is open
one burger; all of fries soda; one soda; 2 served
)");
}

TEST_CASE("to_thread: what blocks does so elsewhere") {
  CHECK(output_of("to_thread") == R"(
fries: 5
7 * 6: 42
soda: 4
the loop went on
)");
}

TEST_CASE("run_in_loop: the other thread's loop answers tasks and threads") {
  CHECK(output_of("run_in_loop") == R"(
a task gets hot fries
a task is told: no soup here
a thread gets hot burger
)");
}

TEST_CASE("signals: each is a turn of a task") {
  CHECK(output_of("signals") == R"(
settings read
settings read
terminated
)");
}

TEST_CASE("dump_on_signal: shows the task that holds what another waits for") {
  const std::string shown =
      std::regex_replace(output_of("dump_on_signal"), std::regex("[.]cc:[0-9]+"), ".cc:N");
  CHECK(shown == R"(
brigade: the tasks:
'main' waits for a time, 0 s, spawned at dump_on_signal.cc:N
'first' waits for a time, 1 s, spawned at dump_on_signal.cc:N
'second' waits for Lock "soda", 1 s, spawned at dump_on_signal.cc:N
)");
}

TEST_CASE("event: all who wait are served when it opens, and who comes later at once") {
  CHECK(output_of("event") == R"(
<Event "open" not set, 2 waiting>
2 s: A is served
2 s: B is served
3 s: C is served
)");
}

TEST_CASE("condition: each table has its plates as soon as there are enough") {
  CHECK(output_of("condition") == R"(
2 s: 2 plates for table 2
5 s: 3 plates for table 1
)");
}

TEST_CASE("barrier: a course goes out when the slowest cook is ready") {
  CHECK(output_of("barrier") == R"(
3 s: course 1
6 s: course 2
)");
}

TEST_CASE("queue: the counter takes orders as fast as the cooks take them over") {
  CHECK(output_of("queue") == R"(
0 s: counter took 1
0 s: counter took 2
0 s: counter took 3
2 s: Anne cooked 1
2 s: Bob cooked 2
2 s: counter took 4
2 s: counter took 5
4 s: Anne cooked 3
4 s: Bob cooked 4
6 s: Anne cooked 5
)");
}

TEST_CASE("priority_queue: what is due first is cooked first") {
  CHECK(output_of("priority_queue") == R"(
10: soda
20: fries
30: burger
)");
}

TEST_CASE("simulated_network: a server is tested on a thousand networks, in no time") {
  CHECK(output_of("simulated_network") == R"(
a server 100 ms away: answered after 300 ms
1000 networks: every answer is right
)");
}

TEST_CASE("testing: the recipe finds nothing wrong, and a deadlock tells what it waits for") {
  CHECK(output_of("testing") == R"(
an hour has passed
in every order of 72: the stove is free again
on chaos: the soda is served
without memory: nothing is left
nothing can wake any task:
'main' waits for Lock "stove", 0 s, spawned at testing.cc:136
)");
}

TEST_CASE("run_sharded: four threads count, and no word is missed") {
  CHECK(output_of("run_sharded") == R"(
pie: 3
soup: 4
tea: 3
)");
}

}  // namespace
