#pragma once

#include <string>
#include <utility>
#include <vector>

namespace brigade::apps {

/// A part of an SVG drawing with two axes: numbers in, marks at the right place out.
class Chart {
 public:
  struct Frame {
    double left, top, width, height;  // of what is between the axes, in pixels
  };
  struct Range {
    double from, to;  // of the numbers on an axis
  };
  using Points = std::vector<std::pair<double, double>>;

  Chart(Frame frame, Range x, Range y) : frame_(frame), x_(x), y_(y) {}

  /// The axes with their ticks, and what they are of.
  void axes(const std::string& title, const std::string& x_label, const std::string& y_label);
  void x_axis(const std::string& title, const std::string& label);

  void line(const Points& points, const std::string& colour);
  void dots(const Points& points, const std::string& colour);
  /// Across the whole chart, at a number.
  void rule_x(double x, const std::string& text);
  void rule_y(double y, const std::string& text);

  /// A bar from one x to another, `top` to `top + height` pixels below the frame's top; `inside` is
  /// written in it if it fits.
  void bar(Range x, double top, double height, const std::string& colour, const std::string& inside,
           const std::string& hint);
  void mark(double x, double top, double height, const std::string& text, const std::string& hint);
  void label(double top, const std::string& text);  // to the left of the frame
  void legend(double right, int row, const std::string& colour, const std::string& text);

  const std::string& svg() const noexcept { return svg_; }

 private:
  double at_x(double x) const;
  double at_y(double y) const;
  void text(double x, double y, const std::string& anchor, const std::string& content,
            const std::string& more = "");

  Frame frame_;
  Range x_, y_;
  int rules_ = 0;
  std::string svg_;
};

/// What XML needs to be told otherwise.
std::string escaped(const std::string& text);

/// Round numbers to write on an axis, about `count` of them.
std::vector<double> ticks(Chart::Range range, int count);

}  // namespace brigade::apps
