#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "brigade/net/stream.h"
#include "brigade/runtime/spawn.h"
#include "brigade/tests/net/sockets.h"
#include "brigade/tests/support/async.h"
#include "doctest/doctest.h"

namespace brigade {
namespace {

using Parts = std::vector<std::string>;

// Sends parts so that each arrives alone, then ends the stream.
Task<void> send_parts(const Socket& peer, Parts parts) {
  for (const std::string& part : parts) {
    send_raw(peer, part);
    co_await settle();
  }
  end_writing(peer);
}

// What each kind of read makes of one text, one after the other.
using ReadAll = Task<void> (*)(StreamReader& reader, Parts& found);

Task<void> read_lines(StreamReader& reader, Parts& found) {
  for (;;) {
    const std::string_view line = co_await reader.readline();
    if (line.empty()) co_return;
    found.emplace_back(line);
  }
}

Task<void> read_records(StreamReader& reader, Parts& found) {
  try {
    for (;;) {
      const std::string_view record = co_await reader.readuntil("<>");
      found.emplace_back(record);
    }
  } catch (const IncompleteReadError& error) {
    found.push_back("end:" + error.partial);
  }
}

Task<void> read_fives(StreamReader& reader, Parts& found) {
  try {
    for (;;) {
      const std::string_view five = co_await reader.readexactly(5);
      found.emplace_back(five);
    }
  } catch (const IncompleteReadError& error) {
    found.push_back("end:" + error.partial);
  }
}

Task<void> read_mixed(StreamReader& reader, Parts& found) {
  const std::string_view line = co_await reader.readline();
  found.emplace_back(line);
  const std::string_view three = co_await reader.readexactly(3);
  found.emplace_back(three);
  const std::string_view record = co_await reader.readuntil("<>");
  found.emplace_back(record);
  std::string rest;
  for (;;) {
    const std::string_view some = co_await reader.read(2);
    if (some.empty()) break;
    rest += some;
  }
  found.push_back(rest);
}

Task<Parts> read_split(ReadAll read_all, Parts sent) {
  Link link(unix_pair());
  Parts found;
  const TaskHandle<void> reading = spawn(read_all(link.reader, found));
  co_await send_parts(link.peer, std::move(sent));
  co_await reading;
  co_return found;
}

// Cuts `whole` at every two places, and checks that what is read does not depend on them.
Task<void> check_every_split(ReadAll read_all, std::string whole, Parts expected) {
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    for (std::size_t j = i; j <= whole.size(); ++j) {
      Parts cut;
      for (const std::string& part : {whole.substr(0, i), whole.substr(i, j - i), whole.substr(j)})
        if (!part.empty()) cut.push_back(part);
      const Parts found = co_await read_split(read_all, std::move(cut));
      CAPTURE(i);
      CAPTURE(j);
      CHECK(found == expected);
    }
  }
}

Task<void> read_line(StreamReader& reader) { co_await reader.readline(); }

Task<void> read_until_newline(StreamReader& reader) { co_await reader.readuntil("\n"); }

// 0, or LimitOverrunError::consumed.
Task<std::size_t> overrun_of_line(StreamReader& reader) {
  try {
    co_await reader.readline();
  } catch (const LimitOverrunError& error) {
    co_return error.consumed;
  }
  co_return 0;
}

Task<std::size_t> overrun_of_until(StreamReader& reader, std::string separator) {
  try {
    co_await reader.readuntil(separator);
  } catch (const LimitOverrunError& error) {
    co_return error.consumed;
  }
  co_return 0;
}

std::size_t resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

TEST_CASE("StreamReader: readline() finds the same lines for every split of the text [S-01]") {
  run_async([]() -> Task<void> {
    const Parts expected{"ab\n", "\n", "c\r\n", "last"};
    co_await check_every_split(&read_lines, "ab\n\nc\r\nlast", expected);
  });
}

TEST_CASE("StreamReader: readuntil() finds the same records for every split of the text [S-01]") {
  run_async([]() -> Task<void> {
    const Parts expected{"ab<>", "<<>", ">c<>", "end:d<"};
    co_await check_every_split(&read_records, "ab<><<>>c<>d<", expected);
  });
}

TEST_CASE("StreamReader: readexactly() finds the same blocks for every split of the text [S-01]") {
  run_async([]() -> Task<void> {
    const Parts expected{"abcde", "fghij", "end:klm"};
    co_await check_every_split(&read_fives, "abcdefghijklm", expected);
  });
}

TEST_CASE("StreamReader: reads of every kind follow each other for every split [S-01]") {
  run_async([]() -> Task<void> {
    const Parts expected{"ab\n", "cde", "f<>", "ghi"};
    co_await check_every_split(&read_mixed, "ab\ncdef<>ghi", expected);
  });
}

TEST_CASE("StreamReader: a separator split across two chunks is found [S-02]") {
  run_async([]() -> Task<void> {
    for (const std::size_t cut : {1U, 2U, 3U, 4U, 5U}) {
      const std::string whole = "ab<=>";
      Parts parts{whole.substr(0, cut)};
      if (cut < whole.size()) parts.push_back(whole.substr(cut));
      Link link(unix_pair());
      const TaskHandle<void> sending = spawn(send_parts(link.peer, std::move(parts)));

      const std::string found(co_await link.reader.readuntil("<=>"));

      CAPTURE(cut);
      CHECK(found == whole);
      co_await sending;
    }
  });
}

TEST_CASE("StreamReader: a separator that begins again inside itself is found [S-02]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const Parts parts{"x\r", "\r", "\n\r\n"};
    const TaskHandle<void> sending = spawn(send_parts(link.peer, parts));

    const std::string first(co_await link.reader.readuntil("\r\n"));
    const std::string second(co_await link.reader.readuntil("\r\n"));

    CHECK(first == "x\r\r\n");
    CHECK(second == "\r\n");
    co_await sending;
  });
}

TEST_CASE("StreamReader: the limit is where a separator may still start [S-02]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kLimit = 16;
    for (const std::string separator : {"\n", "<>"}) {
      for (const std::size_t start : {kLimit - 1, kLimit, kLimit + 1}) {
        for (const bool byte_by_byte : {false, true}) {
          Link link(unix_pair(), kLimit);
          const std::string whole = std::string(start, 'a') + separator;
          Parts parts;
          for (const char c : whole) parts.emplace_back(1, c);
          if (!byte_by_byte) parts.assign(1, whole);
          const TaskHandle<void> sending = spawn(send_parts(link.peer, std::move(parts)));

          const std::size_t overrun = co_await overrun_of_until(link.reader, separator);

          CAPTURE(separator);
          CAPTURE(start);
          CAPTURE(byte_by_byte);
          CHECK(overrun == (start > kLimit ? kLimit + 1 : 0));
          co_await sending;
        }
      }
    }
  });
}

TEST_CASE("StreamReader: readuntil() over the limit keeps the bytes [S-02]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair(), 4);
    send_raw(link.peer, "abcdefg<>rest");

    const std::size_t first = co_await overrun_of_until(link.reader, "<>");
    const std::size_t again = co_await overrun_of_until(link.reader, "<>");
    const std::string bytes(co_await link.reader.readexactly(first));
    const std::string separator(co_await link.reader.readuntil("<>"));
    const std::string rest(co_await link.reader.read(100));

    CHECK(first == 7);
    CHECK(again == first);
    CHECK(bytes == "abcdefg");
    CHECK(separator == "<>");
    CHECK(rest == "rest");
  });
}

TEST_CASE("StreamReader: what readuntil() has consumed without a separator holds no part of one") {
  run_async([]() -> Task<void> {
    Link link(unix_pair(), 4);
    send_raw(link.peer, "abcdefg<");

    const std::size_t consumed = co_await overrun_of_until(link.reader, "<>");
    co_await link.reader.readexactly(consumed);
    send_raw(link.peer, ">h");
    const std::string separator(co_await link.reader.readuntil("<>"));

    CHECK(consumed == 7);
    CHECK(separator == "<>");
  });
}

TEST_CASE(
    "StreamReader: readline() over the limit drops the line, and the next one is whole [S-02]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair(), 4);
    send_raw(link.peer, "abcdefg\nok\n");

    const std::size_t overrun = co_await overrun_of_line(link.reader);
    const std::string next(co_await link.reader.readline());

    CHECK(overrun == 7);
    CHECK(next == "ok\n");
  });
}

TEST_CASE("StreamReader: readline() over the limit without an end drops all that came [S-02]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair(), 4);
    send_raw(link.peer, "abcdefg");

    const std::size_t overrun = co_await overrun_of_line(link.reader);
    send_raw(link.peer, "hi\nok\n");
    const std::string next(co_await link.reader.readline());

    CHECK(overrun == 7);
    CHECK(next == "hi\n");
  });
}

TEST_CASE("StreamReader: the error of an overrun names the limit [S-02]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair(), 4);
    send_raw(link.peer, "abcdefg");

    const std::string thrown = co_await thrown_by(read_line(link.reader));

    CHECK(contains(thrown, "LimitOverrunError"));
    CHECK(contains(thrown, "limit of 4 bytes"));
  });
}

TEST_CASE("StreamReader: the default limit is 64 KiB [S-02]") {
  run_async([]() -> Task<void> {
    for (const std::size_t length : {65536U, 65537U}) {
      Link link(unix_pair());
      send_raw(link.peer, std::string(length, 'a') + "\n");

      const std::size_t overrun = co_await overrun_of_line(link.reader);

      CHECK(overrun == (length > 65536 ? 65537 : 0));
    }
  });
}

Task<void> send_without_newline(const Socket& peer, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks; ++i) co_await send_all(peer, std::string(65536, 'x'));
  end_writing(peer);
}

TEST_CASE("StreamReader: a peer that never ends its line costs bounded memory [S-02]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kTotal = 128 << 20;
    Link link(unix_pair());
    const std::size_t before = resident_bytes();
    const TaskHandle<void> sending = spawn(send_without_newline(link.peer, kTotal / 65536));

    std::size_t dropped = 0;
    std::size_t longest = 0;
    while (!link.reader.at_eof()) {
      const std::size_t overrun = co_await overrun_of_line(link.reader);
      dropped += overrun;
      longest = std::max(longest, overrun);
    }
    const std::size_t after = resident_bytes();

    CHECK(dropped >= kTotal - StreamReader::kDefaultLimit);  // The rest is a last line.
    CHECK(longest <= 4 * StreamReader::kDefaultLimit);
    if (!kSanitized) CHECK(after < before + (8 << 20));
    co_await sending;
  });
}

TEST_CASE("StreamReader: set_limit() holds for what is read from then on [S-02]") {
  run_async([]() -> Task<void> {
    constexpr std::size_t kLine = 100'000;
    Link link(unix_pair());
    send_raw(link.peer, std::string(kLine, 'x') + "\nshort\n");

    const std::string refused = co_await thrown_by(read_until_newline(link.reader));
    link.reader.set_limit(kLine);
    const std::size_t line = (co_await link.reader.readline()).size();
    link.reader.set_limit(4);
    const std::string refused_again = co_await thrown_by(read_until_newline(link.reader));

    CHECK(contains(refused, "limit of 65536 bytes"));
    CHECK(line == kLine + 1);
    CHECK(contains(refused_again, "limit of 4 bytes"));
  });
}

TEST_CASE("StreamReader: readuntil() again and again over the limit takes no more in [S-02]") {
  run_async([]() -> Task<void> {
    Link link(unix_pair());
    const TaskHandle<void> sending = spawn(send_without_newline(link.peer, 1000));

    co_await overrun_of_until(link.reader, "\n");
    for (int i = 0; i < 100; ++i) co_await settle();  // What the kernel had taken still comes.
    const std::size_t first = co_await overrun_of_until(link.reader, "\n");
    std::size_t last = 0;
    for (int i = 0; i < 100; ++i) {
      last = co_await overrun_of_until(link.reader, "\n");
      co_await settle();
    }

    CHECK(first > StreamReader::kDefaultLimit);
    CHECK(last == first);
    sending.cancel();
  });
}

}  // namespace
}  // namespace brigade
