#pragma once

#include <string>

namespace brigade {

/// The path of a file of this test's own, which Bazel removes: test encyclopedia, TEST_TMPDIR.
std::string scratch(const std::string& name);

}  // namespace brigade
