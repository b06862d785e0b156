#include "brigade/runtime/repr.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace brigade {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : type.name();
}

std::string repr(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return type_name(typeid(e)) + "('" + e.what() + "')";
  } catch (...) {
    return type_name(*abi::__cxa_current_exception_type());
  }
}

}  // namespace brigade
