#include "brigade/runtime/error_group.h"

#include <utility>

#include "brigade/runtime/repr.h"

namespace brigade {
namespace {

// 2 errors: std::runtime_error('boom'), std::logic_error('broken')
std::string list(const std::vector<std::exception_ptr>& errors) {
  std::string text = std::to_string(errors.size()) + " errors";
  const char* separator = ": ";
  for (const std::exception_ptr& error : errors) {
    text += separator + repr(error);
    separator = ", ";
  }
  return text;
}

}  // namespace

ErrorGroup::State::State(std::vector<std::exception_ptr> all)
    : text(list(all)), errors(std::move(all)) {}

ErrorGroup::ErrorGroup(std::vector<std::exception_ptr> errors)
    : state_(std::make_shared<const State>(std::move(errors))) {}

}  // namespace brigade
