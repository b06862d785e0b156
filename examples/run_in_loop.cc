// A kitchen has a loop and a thread of its own. A task of another loop orders there, and so does a
// thread that has no loop.
#include "brigade/runtime/run_in_loop.h"

#include <cstdio>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include "brigade/runtime/loop.h"
#include "brigade/runtime/run.h"
#include "brigade/runtime/sleep.h"

brigade::Task<std::string> cook(std::string dish) {
  co_await brigade::sleep(std::chrono::milliseconds(10));
  if (dish == "soup") throw std::invalid_argument("no " + dish + " here");
  co_return "hot " + dish;
}

void serve(std::promise<brigade::Loop*>& opened) {
  brigade::Loop kitchen;
  const brigade::Loop::ExternalWork orders(kitchen);  // They will come; until then it waits.
  opened.set_value(&kitchen);
  kitchen.run_forever();
}

brigade::Task<void> dine(brigade::Loop& kitchen) {
  const std::string fries = co_await brigade::run_in_loop(kitchen, &cook, std::string("fries"));
  std::printf("a task gets %s\n", fries.c_str());
  try {
    co_await brigade::run_in_loop(kitchen, &cook, std::string("soup"));
  } catch (const std::invalid_argument& error) {
    std::printf("a task is told: %s\n", error.what());
  }
}

int main() {
  std::promise<brigade::Loop*> opened;
  std::thread thread([&opened] { serve(opened); });
  brigade::Loop& kitchen = *opened.get_future().get();

  brigade::run(dine(kitchen));
  const std::string burger =
      brigade::run(brigade::run_in_loop(kitchen, &cook, std::string("burger")));
  std::printf("a thread gets %s\n", burger.c_str());

  kitchen.post([] { brigade::Loop::current().stop(); });
  thread.join();
}
