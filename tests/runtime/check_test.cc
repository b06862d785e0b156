#include "brigade/runtime/check.h"

#include "brigade/tests/support/child.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

TEST_CASE("check: what holds costs nothing") {
  const ChildEnd end = run_in_child([] { check(true, "holds"); });

  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
  CHECK(end.errors == "");
}

TEST_CASE("check: what does not hold ends the process and names the caller's file and reason") {
  check_dies([] { check(false, "two and two are five"); }, "two and two are five (");
  const ChildEnd end = run_in_child([] { check(false, "two and two are five"); });

  CHECK(end.errors.find("check_test.cc:") != std::string::npos);
}

}  // namespace
}  // namespace brigade
