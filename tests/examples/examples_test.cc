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

}  // namespace
