#include "brigade/runtime/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "doctest/doctest.h"

namespace brigade {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int new_fd() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST_CASE("UniqueFd: closes what it owns, once, and counts it") {
  const std::size_t before = UniqueFd::open();
  const int fd = new_fd();

  {
    const UniqueFd owner(fd);
    CHECK(owner.get() == fd);
    CHECK(static_cast<bool>(owner));
    CHECK(UniqueFd::open() == before + 1);
  }

  CHECK_FALSE(is_open(fd));
  CHECK(UniqueFd::open() == before);
}

TEST_CASE("UniqueFd: a move hands the descriptor over; what the target held is closed") {
  const std::size_t before = UniqueFd::open();
  const int first = new_fd();
  const int second = new_fd();
  UniqueFd source(first);
  UniqueFd target(second);

  target = std::move(source);

  CHECK(target.get() == first);
  CHECK(is_open(first));
  CHECK_FALSE(is_open(second));
  CHECK(UniqueFd::open() == before + 1);
  const UniqueFd last(std::move(target));
  CHECK(last.get() == first);
  CHECK(UniqueFd::open() == before + 1);
}

TEST_CASE("UniqueFd: reset closes now; one that owns nothing counts for nothing") {
  const std::size_t before = UniqueFd::open();
  UniqueFd owner(new_fd());
  const int fd = owner.get();

  owner.reset();
  owner.reset();
  const UniqueFd none;
  const UniqueFd failed(-1);

  CHECK_FALSE(is_open(fd));
  CHECK_FALSE(static_cast<bool>(owner));
  CHECK_FALSE(static_cast<bool>(none));
  CHECK_FALSE(static_cast<bool>(failed));
  CHECK(UniqueFd::open() == before);
}

}  // namespace
}  // namespace brigade
