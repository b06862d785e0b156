#include "brigade/runtime/repr.h"

#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "brigade/runtime/error.h"
#include "doctest/doctest.h"

namespace brigade {

struct Opaque {};

struct Burger {
  int patties;
};
std::ostream& operator<<(std::ostream& out, const Burger& burger) {
  return out << "Burger of " << burger.patties;
}

namespace {

TEST_CASE("repr: text is quoted, whatever holds it") {
  CHECK(repr(std::string("Boum!")) == "'Boum!'");
  CHECK(repr(std::string_view("Boum!")) == "'Boum!'");
  CHECK(repr("Boum!") == "'Boum!'");
  CHECK(repr(std::string()) == "''");
}

TEST_CASE("repr: numbers and truth as Python shows them") {
  CHECK(repr(42) == "42");
  CHECK(repr(-1.5) == "-1.5");
  CHECK(repr(true) == "True");
  CHECK(repr(false) == "False");
}

TEST_CASE("repr: what can be printed is printed, the rest is named by its type") {
  CHECK(repr(Burger{2}) == "Burger of 2");
  CHECK(repr(Opaque{}) == "<brigade::Opaque>");
}

TEST_CASE("repr: an exception shows its type and message") {
  CHECK(repr(std::make_exception_ptr(std::runtime_error("x"))) == "std::runtime_error('x')");
  CHECK(repr(std::make_exception_ptr(TimeoutError())) ==
        "brigade::TimeoutError('deadline passed')");
  CHECK(repr(std::make_exception_ptr(42)) == "int");
  CHECK(repr(std::make_exception_ptr(Cancelled())) == "brigade::Cancelled");
}

TEST_CASE("type_name: is the name as it is written in C++") {
  CHECK(type_name(typeid(int)) == "int");
  CHECK(type_name(typeid(Opaque)) == "brigade::Opaque");
}

TEST_CASE("Cancelled: is no std::exception, so that a catch-all of errors lets it pass") {
  std::string caught;

  try {
    throw Cancelled();
  } catch (const std::exception&) {
    caught = "std::exception";
  } catch (const Cancelled&) {
    caught = "Cancelled";
  }

  CHECK(caught == "Cancelled");
}

TEST_CASE("throw_errno: names operation and cause, and carries the code") {
  CHECK_THROWS_WITH_AS(throw_errno(-ECONNREFUSED, "connect to 127.0.0.1:80"),
                       "connect to 127.0.0.1:80: Connection refused", std::system_error);
  try {
    throw_errno(-EPIPE, "send");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::broken_pipe);
  }
}

}  // namespace
}  // namespace brigade
