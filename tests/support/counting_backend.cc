#include "brigade/tests/support/counting_backend.h"

#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "brigade/runtime/epoll.h"
#include "brigade/runtime/ring.h"
#include "brigade/tests/support/async.h"
#include "brigade/tests/support/forwarding_backend.h"

namespace brigade {
namespace {

template <class Inner>
class Counting final : public ForwardingBackend<Inner> {
  using Base = ForwardingBackend<Inner>;

 public:
  using Base::Base;
  void submit(Operation& operation, const Request& request) noexcept override {
    ++asked.submits;
    Base::submit(operation, request);
  }
  void cancel(Operation& operation) noexcept override {
    ++asked.cancels;
    Base::cancel(operation);
  }
  void wait(std::optional<Nanoseconds> timeout) noexcept override {
    ++asked.looks;
    Base::wait(timeout);
  }
  void poll() noexcept override {
    ++asked.looks;
    Base::poll();
  }
};

template <class Inner>
std::unique_ptr<CustomBackend> counted(std::unique_ptr<Inner> inner) {
  return std::make_unique<Counting<Inner>>(std::move(inner));
}

}  // namespace

LoopOptions counting(ClockKind clock) {
  LoopOptions options;
  options.clock = clock;
  const char* const name = std::getenv("BRIGADE_BACKEND");
  if (BackendFactory chaotic = loop_options().make_backend)
    options.make_backend = [chaotic](auto&&... how) { return counted(chaotic(how...)); };
  else if (name != nullptr && std::string_view(name) == "epoll")
    options.make_backend = [](auto&&...) { return counted(std::make_unique<Epoll>()); };
  else
    options.make_backend = [](auto&&...) { return counted(std::make_unique<Ring>(256)); };
  return options;
}

}  // namespace brigade
