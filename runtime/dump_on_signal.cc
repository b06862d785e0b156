#include "brigade/runtime/dump_on_signal.h"

#include <cstdio>
#include <new>
#include <string>

namespace brigade {

DumpOnSignal::DumpOnSignal(Loop& loop, int signal)
    : state_(std::make_shared<State>(loop)),
      caught_(signal, CaughtSignal::Times::kAlways, &caught, state_.get()) {
  make_next(state_);
}

DumpOnSignal::~DumpOnSignal() {
  state_->loop = nullptr;
  delete state_->next.exchange(nullptr);
}

void DumpOnSignal::caught(void* state, int) noexcept {
  auto& self = *static_cast<State*>(state);
  PostDoor::Posted* const next = self.next.exchange(nullptr);
  if (next != nullptr) self.door->post(std::unique_ptr<PostDoor::Posted>(next));
}

void DumpOnSignal::make_next(const std::shared_ptr<State>& state) {
  state->next = new PostDoor::Posted{[state] { dump(state); }};
}

void DumpOnSignal::dump(const std::shared_ptr<State>& state) noexcept {
  if (state->loop == nullptr) return;
  try {
    make_next(state);
    const std::string tree = state->loop->task_tree();
    std::fprintf(stderr, "brigade: the tasks:\n%s", tree.c_str());
  } catch (const std::bad_alloc&) {
    std::fputs("brigade: no memory to show the tasks\n", stderr);
  }
}

}  // namespace brigade
