#pragma once

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "brigade/runtime/platform.h"

namespace brigade {

/// Several errors that ended one task_group(); what() lists them, errors() holds them in the order
/// in which they happened.
///
/// Errors:     the constructor throws std::bad_alloc.
/// Complexity: copying counts a reference.
/// Threads:    any; it does not change.
/// Lifetime:   holds the errors.
/// Example:    examples/task_group.cc
class ErrorGroup final : public std::exception {
 public:
  explicit ErrorGroup(std::vector<std::exception_ptr> errors);

  const char* what() const noexcept override { return state_->text.c_str(); }
  const std::vector<std::exception_ptr>& errors() const noexcept { return state_->errors; }

 private:
  struct State {
    explicit State(std::vector<std::exception_ptr> all);

    const std::string text;
    const std::vector<std::exception_ptr> errors;
  };
  const std::shared_ptr<const State> state_;  // Copies of an exception must not throw.
};

}  // namespace brigade
