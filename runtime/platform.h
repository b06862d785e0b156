#pragma once

// The only place that asks what the compiler and the kernel headers are. Nearly every other header
// includes it.

static_assert(__cplusplus >= 202002L,
              "brigade needs C++20: say `build --cxxopt=-std=c++20` in your .bazelrc");

namespace brigade {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace brigade
