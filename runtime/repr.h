#pragma once

#include <concepts>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <typeinfo>

#include "brigade/runtime/platform.h"

namespace brigade {

/// The name of a type as it is written in C++.
std::string type_name(const std::type_info& type);

/// An exception as "std::runtime_error('message')"; one that is no std::exception by its type.
std::string repr(const std::exception_ptr& error);

/// A value the way Python's repr() shows it: 'text', 42, True; a type that cannot be printed as
/// <its name>.
template <class T>
std::string repr(const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    return "'" + std::string(std::string_view(value)) + "'";
  } else if constexpr (std::same_as<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (requires(std::ostream& out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else {
    return "<" + type_name(typeid(T)) + ">";
  }
}

}  // namespace brigade
