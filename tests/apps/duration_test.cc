#include "brigade/apps/duration.h"

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "doctest/doctest.h"

namespace brigade::apps {
namespace {

std::int64_t parsed(const char* text) { return parse_duration(text).count(); }

std::string refusal(const std::string& text) {
  try {
    parse_duration(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("Duration: a number alone is in seconds") {
  CHECK(parsed("1") == 1'000'000'000);
  CHECK(parsed("0") == 0);
  CHECK(parsed("0.5") == 500'000'000);
  CHECK(parsed(".5") == 500'000'000);
  CHECK(parsed("5.") == 5'000'000'000);
  CHECK(parsed("0007") == 7'000'000'000);
}

TEST_CASE("Duration: each unit is exact") {
  CHECK(parsed("7ns") == 7);
  CHECK(parsed("3us") == 3'000);
  CHECK(parsed("500ms") == 500'000'000);
  CHECK(parsed("2s") == 2'000'000'000);
  CHECK(parsed("1m") == 60'000'000'000);
  CHECK(parsed("1.5h") == 5'400'000'000'000);
}

TEST_CASE("Duration: decimals lose nothing, where binary floating point would") {
  CHECK(parsed("0.1") == 100'000'000);
  CHECK(parsed("0.000000001") == 1);
  CHECK(parsed("123456789.123456789") == 123'456'789'123'456'789);
  CHECK(parsed("0.10000000000000000000000000") == 100'000'000);
  CHECK(parsed("0.00000000005m") == 3);
  CHECK(parsed("0.0000000000025h") == 9);
}

TEST_CASE("Duration: what is finer than a nanosecond is refused, not rounded") {
  for (const char* text : {"0.0000000001", "0.5ns", "0.05ns", "1.0001us", "0.000000000005m",
                           "0.00000000000001h", "1.00000000000000000000000001"}) {
    CHECK(refusal(text).find("finer than a nanosecond") != std::string::npos);
  }
}

TEST_CASE("Duration: the longest is what 64-bit nanoseconds hold") {
  CHECK(parse_duration("9223372036.854775807") == Nanoseconds::max());
  for (const char* text : {"9223372036.854775808", "9223372037", "153722868m", "2562048h",
                           "340282366920938463463374607431768211456ns"}) {
    CHECK(refusal(text).find("over 292 years") != std::string::npos);
  }
}

TEST_CASE("Duration: anything else is refused with its text and what is accepted") {
  for (const std::string text : {"", ".", "s", "-1", "+1", "1 s", " 1", "1e3", "nan", "inf", "0x10",
                                 "1.2.3", "1sec", "1S", "ms5", "1,5"}) {
    const std::string why = refusal(text);
    CHECK(why.find("'" + text + "' is no duration") != std::string::npos);
    CHECK(why.find("500ms") != std::string::npos);
  }
}

TEST_CASE("Duration: prints as exact seconds") {
  CHECK(seconds_text(Nanoseconds(0)) == "0.0");
  CHECK(seconds_text(Nanoseconds(4'000'000'000)) == "4.0");
  CHECK(seconds_text(Nanoseconds(500'000'000)) == "0.5");
  CHECK(seconds_text(Nanoseconds(1)) == "0.000000001");
  CHECK(seconds_text(Nanoseconds(10'020'000'000)) == "10.02");
  CHECK(seconds_text(Nanoseconds::max()) == "9223372036.854775807");
}

}  // namespace
}  // namespace brigade::apps
