// Each line that says `want:` must be flagged, and no other.
#include <chrono>

#define ANSWER 42           // want: macro
#define TWICE(x) ((x) * 2)  // want: macro macro-function

#ifdef __linux__  // want: conditional-code
#endif

namespace detail {  // want: detail
int hidden = 0;
}  // namespace detail

namespace brigade::detail {  // want: detail
int hidden = 0;
}  // namespace brigade::detail

using Clock = std::chrono::system_clock;  // want: system-clock

int  spaces = 0;  // want: format
