#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace brigade::apps {

/// Prints rows of equal length as columns that are as wide as they must be, the first one aligned
/// to the left and the others to the right.
void print_columns(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

/// A number for people: four significant digits.
std::string rounded(double value);

/// A share as "83.3 %".
std::string percent_text(double share);

}  // namespace brigade::apps
