#include "brigade/apps/json_lines.h"

#include <iterator>
#include <stdexcept>
#include <vector>

namespace brigade::apps {
namespace {

using nlohmann::json;

/// Counts the lines that were read; the parser reads at most one character ahead.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t& line) : at_(at), line_(&line) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    if (*at_++ == '\n') ++*line_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  std::size_t* line_;
};

/// Follows the parser through the document.
class Path {
 public:
  explicit Path(JsonLines& out, const std::string& file) : lines_(out.lines), file_(file) {}

  void event(json::parse_event_t event, const json& parsed, std::size_t line) {
    using Event = json::parse_event_t;
    if (event == Event::key) {
      levels_.back().key = parsed.get<std::string>();
      if (!lines_.emplace(text(), line).second)
        throw std::invalid_argument(file_ + ":" + std::to_string(line) + ": " + text() +
                                    ": is given twice");
    } else if (event == Event::object_end || event == Event::array_end) {
      levels_.pop_back();
    } else {
      if (!levels_.empty() && levels_.back().array) {
        ++levels_.back().index;
        lines_.emplace(text(), line);
      }
      if (event != Event::value)
        levels_.push_back({event == Event::array_start, {}, std::size_t(-1)});
    }
  }

 private:
  struct Level {
    bool array;
    std::string key;
    std::size_t index;
  };

  std::string text() const {
    std::string path;
    for (const Level& level : levels_) {
      if (level.array)
        path += "[" + std::to_string(level.index) + "]";
      else
        path += (path.empty() ? "" : ".") + level.key;
    }
    return path;
  }

  std::map<std::string, std::size_t>& lines_;
  const std::string& file_;
  std::vector<Level> levels_;
};

}  // namespace

JsonLines parse_json_lines(const std::string& text, const std::string& file) {
  JsonLines result;
  std::size_t line = 1;
  Path path(result, file);
  const json::parser_callback_t follow = [&](int, json::parse_event_t event, json& parsed) {
    path.event(event, parsed, line);
    return true;
  };
  try {
    const char* const begin = text.data();
    result.document = json::parse(CountingIterator(begin, line),
                                  CountingIterator(begin + text.size(), line), follow);
  } catch (const json::parse_error& error) {
    const std::string what = error.what();
    throw std::invalid_argument(file + ":" + std::to_string(line) +
                                ": is no JSON: " + what.substr(what.find("syntax error")));
  }
  return result;
}

}  // namespace brigade::apps
