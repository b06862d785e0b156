#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "brigade/runtime/custom_backend.h"

namespace brigade {

/// A back end that hands everything on to another one, a Ring, an Epoll or a CustomBackend: what
/// derives from it looks at some of it on the way.
template <class Inner>
class ForwardingBackend : public CustomBackend {
 public:
  explicit ForwardingBackend(std::unique_ptr<Inner> inner) noexcept : inner_(std::move(inner)) {}

  void attach(int fd) override { inner_->attach(fd); }
  void submit(Operation& operation, const Request& request) noexcept override {
    inner_->submit(operation, request);
  }
  void cancel(Operation& operation) noexcept override { inner_->cancel(operation); }
  void cancel_all() noexcept override { inner_->cancel_all(); }
  void wait(std::optional<Nanoseconds> timeout) noexcept override { inner_->wait(timeout); }
  void poll() noexcept override { inner_->poll(); }
  std::size_t in_flight() const noexcept override { return inner_->in_flight(); }
  std::size_t may_complete() const noexcept override { return inner_->may_complete(); }
  std::vector<Request> operations() const override { return inner_->operations(); }
  bool busy() const noexcept override { return inner_->busy(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }

 private:
  std::unique_ptr<Inner> inner_;
};

}  // namespace brigade
