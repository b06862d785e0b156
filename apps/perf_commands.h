#pragma once

namespace brigade::apps {

// perf_test's other commands; argv[0] is their name. They return what main() does.
int plan_main(int argc, char** argv);
int compare_main(int argc, char** argv);
int real_main(int argc, char** argv);

}  // namespace brigade::apps
