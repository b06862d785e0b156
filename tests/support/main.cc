// The main of every brigade test: one line per case, a limit of real time for each, and
// `bazel test --test_filter=words` runs the cases whose name contains the words.
#define DOCTEST_CONFIG_IMPLEMENT
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "doctest/doctest.h"

namespace {

// Seconds for a case: BRIGADE_CASE_LIMIT=N, or 60.
unsigned case_limit() {
  const char* const wanted = std::getenv("BRIGADE_CASE_LIMIT");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 60;
}

const char* running_case = "";

void write_error(const char* text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

// Async-signal-safe: the case may hold any lock.
void on_case_limit(int) {
  write_error("\nstopped, as it took too long: ");
  write_error(running_case);
  write_error("\n");
  signal(SIGABRT, SIG_DFL);  // doctest's handler would allocate.
  std::abort();
}

class CaseLines final : public doctest::IReporter {
 public:
  explicit CaseLines(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& data) override {
    running_case = data.m_name;
    signal(SIGALRM, on_case_limit);  // Again for each case: one may use SIGALRM for itself.
    alarm(case_limit());
  }

  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    alarm(0);
    const bool passed = stats.failure_flags == 0;
    const char* verdict = passed ? "ok    " : "FAILED";
    const char* color = !colored_ ? "" : passed ? "\033[32m" : "\033[31m";
    const char* plain = colored_ ? "\033[0m" : "";
    std::printf("%s%s%s %s (%.1f ms)\n", color, verdict, plain, running_case, stats.seconds * 1e3);
    std::fflush(stdout);
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  const bool colored_ = isatty(STDOUT_FILENO) == 1;
};

}  // namespace

DOCTEST_REGISTER_LISTENER("case_lines", 1, CaseLines);

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("dt-no-intro", true);
  if (const char* words = std::getenv("TESTBRIDGE_TEST_ONLY")) {
    context.setOption("dt-test-case", ("*" + std::string(words) + "*").c_str());
  }
  context.applyCommandLine(argc, argv);
  return context.run();
}
