#include "brigade/apps/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "brigade/apps/columns.h"

namespace brigade::apps {
namespace {

constexpr const char* kInk = "#3b3b3b";
constexpr const char* kGrid = "#e4e4e4";
constexpr const char* kLimit = "#c02d2d";
constexpr double kCharacter = 6.2;  // px, of the text at 11 px

std::string px(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string segment(double x1, double y1, double x2, double y2, const std::string& colour,
                    const std::string& more = "") {
  return "<line x1=\"" + px(x1) + "\" y1=\"" + px(y1) + "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) +
         "\" stroke=\"" + colour + "\"" + more + "/>\n";
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

std::vector<double> ticks(Chart::Range range, int count) {
  const double span = range.to - range.from;
  if (!(span > 0)) return {range.from};
  const double rough = span / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double nice : {1.0, 2.0, 5.0})
    if (nice * power >= rough * 0.999) {
      step = nice * power;
      break;
    }
  std::vector<double> result;
  for (double n = std::ceil(range.from / step - 1e-9); n * step <= range.to + span * 1e-9; ++n)
    result.push_back(n * step + 0.0);  // never -0
  return result;
}

double Chart::at_x(double x) const {
  const double span = x_.to > x_.from ? x_.to - x_.from : 1;
  return frame_.left + (x - x_.from) / span * frame_.width;
}

double Chart::at_y(double y) const {
  const double span = y_.to > y_.from ? y_.to - y_.from : 1;
  return frame_.top + frame_.height - (y - y_.from) / span * frame_.height;
}

void Chart::text(double x, double y, const std::string& anchor, const std::string& content,
                 const std::string& more) {
  svg_ += "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\"" + more +
          ">" + escaped(content) + "</text>\n";
}

void Chart::x_axis(const std::string& title, const std::string& label) {
  const double bottom = frame_.top + frame_.height;
  for (const double tick : ticks(x_, static_cast<int>(frame_.width / 80))) {
    svg_ += segment(at_x(tick), frame_.top, at_x(tick), bottom, kGrid);
    text(at_x(tick), bottom + 14, "middle", rounded(tick));
  }
  svg_ += segment(frame_.left, bottom, frame_.left + frame_.width, bottom, kInk);
  text(frame_.left + frame_.width / 2, bottom + 30, "middle", label);
  text(frame_.left, frame_.top - 10, "start", title, " font-weight=\"bold\" font-size=\"13\"");
}

void Chart::axes(const std::string& title, const std::string& x_label, const std::string& y_label) {
  for (const double tick : ticks(y_, 5)) {
    svg_ += segment(frame_.left, at_y(tick), frame_.left + frame_.width, at_y(tick), kGrid);
    text(frame_.left - 6, at_y(tick) + 4, "end", rounded(tick));
  }
  x_axis(title, x_label);
  svg_ += segment(frame_.left, frame_.top, frame_.left, frame_.top + frame_.height, kInk);
  const std::string x = px(frame_.left - 44), y = px(frame_.top + frame_.height / 2);
  svg_ += "<text transform=\"translate(" + x + "," + y + ") rotate(-90)\" text-anchor=\"middle\">" +
          escaped(y_label) + "</text>\n";
}

void Chart::line(const Points& points, const std::string& colour) {
  svg_ += "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"" + colour + "\" points=\"";
  for (const auto& [x, y] : points) svg_ += px(at_x(x)) + "," + px(at_y(y)) + " ";
  svg_ += "\"/>\n";
}

void Chart::dots(const Points& points, const std::string& colour) {
  svg_ += "<g fill=\"" + colour + "\" fill-opacity=\"0.7\">\n";
  for (const auto& [x, y] : points)
    svg_ += "<circle cx=\"" + px(at_x(x)) + "\" cy=\"" + px(at_y(y)) + "\" r=\"2.2\"/>\n";
  svg_ += "</g>\n";
}

void Chart::rule_x(double x, const std::string& content) {
  if (x < x_.from || x > x_.to) return;
  svg_ += segment(at_x(x), frame_.top, at_x(x), frame_.top + frame_.height, kLimit,
                  " stroke-dasharray=\"5 3\"");
  const bool left = at_x(x) > frame_.left + frame_.width * 0.8;
  const double up = 6 + 13 * rules_++;  // One above the other, as they may be close.
  text(at_x(x) + (left ? -4 : 4), frame_.top + frame_.height - up, left ? "end" : "start", content,
       std::string(" fill=\"") + kLimit + "\"");
}

void Chart::rule_y(double y, const std::string& content) {
  if (y < y_.from || y > y_.to) return;
  svg_ += segment(frame_.left, at_y(y), frame_.left + frame_.width, at_y(y), kLimit,
                  " stroke-dasharray=\"5 3\"");
  text(frame_.left + frame_.width - 4, at_y(y) - 4, "end", content,
       std::string(" fill=\"") + kLimit + "\"");
}

void Chart::bar(Range x, double top, double height, const std::string& colour,
                const std::string& inside, const std::string& hint) {
  const double from = at_x(x.from), to = std::max(at_x(x.to), at_x(x.from) + 0.5);
  svg_ += "<rect x=\"" + px(from) + "\" y=\"" + px(frame_.top + top) + "\" width=\"" +
          px(to - from) + "\" height=\"" + px(height) + "\" fill=\"" + colour +
          "\" stroke=\"#fff\" stroke-width=\"0.6\"><title>" + escaped(hint) + "</title></rect>\n";
  if (kCharacter * static_cast<double>(inside.size()) + 4 > to - from) return;
  text((from + to) / 2, frame_.top + top + height / 2 + 4, "middle", inside,
       " fill=\"#fff\" pointer-events=\"none\"");
}

void Chart::mark(double x, double top, double height, const std::string& content,
                 const std::string& hint) {
  const double at = at_x(x), up = frame_.top + top, down = up + height;
  svg_ += "<path d=\"M" + px(at) + " " + px(up) + "l4 " + px(height) + "h-8z\" fill=\"" + kInk +
          "\"><title>" + escaped(hint) + "</title></path>\n";
  text(at + 6, down, "start", content, " font-size=\"9\"");
}

void Chart::label(double top, const std::string& content) {
  text(frame_.left - 8, frame_.top + top, "end", content);
}

void Chart::legend(double right, int row, const std::string& colour, const std::string& content) {
  const double x = frame_.left + frame_.width - right, y = frame_.top + 14 * row + 4;
  svg_ += "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"10\" height=\"10\" fill=\"" +
          colour + "\"/>\n";
  text(x + 14, y + 9, "start", content);
}

}  // namespace brigade::apps
