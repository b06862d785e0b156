#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "nlohmann/json.hpp"

namespace brigade::apps {

/// A JSON document and the line each of its members starts on, by its path ("stations[1].time"), so
/// that who reads it can say where it is wrong.
struct JsonLines {
  nlohmann::json document;
  std::map<std::string, std::size_t> lines;
};

/// Errors: std::invalid_argument, naming file and line, for what is no JSON or has a member twice.
JsonLines parse_json_lines(const std::string& text, const std::string& file);

}  // namespace brigade::apps
