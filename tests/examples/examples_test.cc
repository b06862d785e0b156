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

TEST_CASE("simulated_network: a server is tested on a thousand networks, in no time") {
  CHECK(output_of("simulated_network") == R"(
a server 100 ms away: answered after 300 ms
1000 networks: every answer is right
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

}  // namespace
