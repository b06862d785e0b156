#include "brigade/testing/chaos.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "brigade/runtime/check.h"
#include "brigade/runtime/ring.h"

namespace brigade {
namespace {

constexpr unsigned kRingEntries = 2;
constexpr std::size_t kMaxTransfer = 1 << 18;  // Bytes, as each is copied.
constexpr std::size_t kMinCut = 64;            // Bytes that are told in two pieces, at least.
constexpr int kUnknownResult = -512;           // The kernel's ERESTARTSYS, which no man page names.

bool is_transfer(const Request& request) noexcept {
  return request.kind == Request::Kind::kReceive || request.kind == Request::Kind::kSend;
}

// What a number stands for: it may be closed, and given to another file.
ino_t inode_of(int fd) noexcept {
  struct stat file{};
  return ::fstat(fd, &file) == 0 ? file.st_ino : 0;
}

class Chaos final : public CustomBackend {
 public:
  explicit Chaos(const ChaosOptions& options)
      : options_(options),
        counts_(options.counts != nullptr ? *options.counts : own_counts_),
        random_(options.seed),
        ring_(kRingEntries) {}
  ~Chaos() override {
    check(operations_.empty(), "a back end is destroyed while it owns operations");
  }

  void attach(int) noexcept override {}
  void submit(Operation& operation, const Request& request) noexcept override;
  void cancel(Operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void wait(std::optional<Nanoseconds> timeout) noexcept override;
  void poll() noexcept override { wait(Nanoseconds::zero()); }
  std::size_t in_flight() const noexcept override { return operations_.size(); }
  std::size_t may_complete() const noexcept override {
    return ring_.may_complete() + untold_.size();
  }
  std::vector<Request> operations() const override;
  bool busy() const noexcept override { return told_any_ || !untold_.empty(); }
  Capabilities capabilities() const noexcept override { return ring_.capabilities(); }

 private:
  struct Result {
    int value;
    bool more;
    std::uint64_t came;  // the number of results before it, in all
    std::uint64_t turn;  // It is told in this wait() or a later one.
    std::string bytes;   // of a multishot receive
  };

  /// Stands before the ring for an operation of the user's.
  struct Proxy : Operation {
    Proxy(Chaos& c, Operation& o, const Request& r, std::uint32_t seed)
        : Operation(&completed),
          chaos(c),
          owner(o),
          request(r),
          inode(inode_of(r.fd)),
          random(seed) {}
    static void completed(Operation& operation, int result, bool more) noexcept;
    bool chance(unsigned percent) noexcept {
      const bool calm = chaos.options_.calm != nullptr && *chaos.options_.calm;
      return random() % 100 < percent && !calm;
    }

    Chaos& chaos;
    Operation& owner;
    const Request request;         // the owner's
    const ino_t inode;             // of its descriptor
    std::minstd_rand random;       // Its own, so that no other operation disturbs what it meets.
    std::vector<char> bytes = {};  // what the kernel receives to, or sends
    std::deque<Result> untold = {};
    bool cancelled = false;  // by the owner
    int end = 0;             // The accept was ended by us, with this error or, if 1, without one.
  };

  int refusal(Proxy& proxy) noexcept;
  Request shortened(Proxy& proxy) noexcept;
  void came(Proxy& proxy, int result, bool more) noexcept;
  void keep(Proxy& proxy, int result, bool more, std::string_view bytes = {}) noexcept;
  void keep_piece(Proxy& proxy, std::string_view bytes, bool more) noexcept;
  void tell_due() noexcept;
  void tell_next(Proxy& proxy) noexcept;
  void give_back(Proxy& proxy, int result) noexcept;

  const ChaosOptions options_;
  ChaosCounts own_counts_;
  ChaosCounts& counts_;
  std::mt19937 random_;  // Seeds the operations, in the order they are submitted.
  Ring ring_;
  std::unordered_map<Operation*, std::unique_ptr<Proxy>> operations_;  // by owner
  IntrusiveList<Operation> owners_;                                    // Makes them in_flight().
  std::vector<Proxy*> untold_;                                         // those with untold results
  std::uint64_t turn_ = 0;
  std::uint64_t results_ = 0;
  bool told_any_ = false;  // in the last wait()
};

void Chaos::submit(Operation& operation, const Request& request) noexcept {
  check(!operation.in_flight(), "an operation is submitted while it is in flight");
  auto& proxy = *(operations_[&operation] = std::make_unique<Proxy>(
                      *this, operation, request, static_cast<std::uint32_t>(random_())));
  owners_.push_back(operation);
  const int error = refusal(proxy);
  if (error != 0)
    keep(proxy, error, false);
  else
    ring_.submit(proxy, is_transfer(request) ? shortened(proxy) : request);
}

// What the operation is answered without the kernel, or 0.
int Chaos::refusal(Proxy& proxy) noexcept {
  if (proxy.chance(options_.unknown)) {
    ++counts_.unknown;
    return kUnknownResult;
  }
  const bool receives = proxy.request.kind == Request::Kind::kReceiveMultishot;
  if (!is_transfer(proxy.request) && !receives) return 0;
  if (!proxy.chance(options_.interrupted)) return 0;
  const bool again = proxy.chance(50);
  ++(again ? counts_.again : counts_.interrupted);
  return again ? -EAGAIN : -EINTR;
}

Request Chaos::shortened(Proxy& proxy) noexcept {
  Request request = proxy.request;
  request.size = std::min(request.size, kMaxTransfer);
  if (request.size > 1 && proxy.chance(options_.shortened)) {
    ++counts_.shortened;
    request.size = 1 + proxy.random() % (request.size - 1);
    request.flags = 0;  // The rest waits for it: not to be told later.
  }
  const char* const memory = static_cast<const char*>(request.data);
  if (request.kind == Request::Kind::kSend)
    proxy.bytes.assign(memory, memory + request.size);
  else
    proxy.bytes.resize(request.size);
  request.data = proxy.bytes.data();
  return request;
}

void Chaos::cancel(Operation& operation) noexcept {
  const auto found = operations_.find(&operation);
  if (found == operations_.end()) return;
  found->second->cancelled = true;
  ring_.cancel(*found->second);  // Nothing if the ring has ended it: its result stands.
}

void Chaos::cancel_all() noexcept {
  for (const auto& [owner, proxy] : operations_) proxy->cancelled = true;
  ring_.cancel_all();
}

std::vector<Request> Chaos::operations() const {
  std::vector<Request> held;
  for (const auto& [owner, proxy] : operations_) held.push_back(proxy->request);
  return held;
}

void Chaos::wait(std::optional<Nanoseconds> timeout) noexcept {
  ++turn_;
  if (untold_.empty() && timeout != Nanoseconds::zero())
    ring_.wait(timeout);
  else
    ring_.poll();
  tell_due();
}

void Chaos::Proxy::completed(Operation& operation, int result, bool more) noexcept {
  auto& self = static_cast<Proxy&>(operation);
  self.chaos.came(self, result, more);
}

// A result of the ring.
void Chaos::came(Proxy& proxy, int result, bool more) noexcept {
  const bool receives = proxy.request.kind == Request::Kind::kReceiveMultishot;
  const bool ends = more && proxy.end == 0 && proxy.chance(options_.shortages);
  if (ends) {
    constexpr int kEnds[] = {-ENOBUFS, 1, -EMFILE};
    proxy.end = kEnds[proxy.random() % (receives ? 2 : 3)];
    ring_.cancel(proxy);
  }
  if (receives && result > 0)
    return keep_piece(proxy, {proxy.received(), static_cast<std::size_t>(result)}, more);
  if (result != -ECANCELED) return keep(proxy, result, more);
  if (!proxy.cancelled && proxy.end == 1 && !proxy.untold.empty()) {
    ++counts_.last_clients;
    proxy.untold.back().more = false;
    return;
  }
  if (!proxy.cancelled && proxy.end != 0) {
    ++counts_.shortages;
    result = proxy.end == 1 ? -ENOBUFS : proxy.end;
  } else if (proxy.request.kind != Request::Kind::kPoll && proxy.chance(options_.interrupted)) {
    ++counts_.interrupted;
    result = -EINTR;
  }
  keep(proxy, result, false);
}

void Chaos::keep_piece(Proxy& proxy, std::string_view bytes, bool more) noexcept {
  if (bytes.size() >= kMinCut && proxy.chance(options_.shortened)) {
    ++counts_.shortened;
    const std::size_t first = 1 + proxy.random() % (bytes.size() - 1);
    keep(proxy, static_cast<int>(first), true, bytes.substr(0, first));
    bytes.remove_prefix(first);
  }
  keep(proxy, static_cast<int>(bytes.size()), more, bytes);
}

// Keeps a result until it is told; those of one operation stay in order.
void Chaos::keep(Proxy& proxy, int result, bool more, std::string_view bytes) noexcept {
  std::uint64_t turn = turn_;
  if (options_.longest_delay > 0 && proxy.chance(options_.delayed)) {
    ++counts_.delayed;
    turn += 1 + proxy.random() % options_.longest_delay;
  }
  if (proxy.untold.empty()) untold_.push_back(&proxy);
  proxy.untold.push_back({result, more, results_++, turn, std::string(bytes)});
}

void Chaos::tell_due() noexcept {
  using Due = std::pair<std::uint64_t, Proxy*>;  // in the order of random numbers of their own
  std::vector<Due> due;
  std::erase_if(untold_, [&](Proxy* proxy) {
    if (proxy->untold.front().turn > turn_) return false;
    due.emplace_back(proxy->random(), proxy);
    return true;
  });
  std::ranges::sort(due, {}, &Due::first);
  const auto came = [](const Due& entry) { return entry.second->untold.front().came; };
  if (!std::ranges::is_sorted(due, {}, came)) ++counts_.permuted;
  told_any_ = !due.empty();
  for (const Due& entry : due) tell_next(*entry.second);
}

void Chaos::tell_next(Proxy& proxy) noexcept {
  Result result = std::move(proxy.untold.front());
  proxy.untold.pop_front();
  if (!proxy.untold.empty()) untold_.push_back(&proxy);
  Operation& owner = proxy.owner;
  if (!result.more) {
    check(!proxy.in_flight() && proxy.untold.empty(), "an operation ends before its last result");
    give_back(proxy, result.value);
    owner.unlink();
    operations_.erase(&owner);
  }
  if (result.bytes.empty()) return complete(owner, result.value, result.more);
  complete(owner, result.value, result.more, result.bytes.data());
}

// What the owner had to leave alone; a descriptor of kPoll is the user's.
void Chaos::give_back(Proxy& proxy, int result) noexcept {
  check(proxy.request.kind == Request::Kind::kPoll || inode_of(proxy.request.fd) == proxy.inode,
        "a descriptor was closed while an operation on it was in flight");
  if (proxy.request.kind == Request::Kind::kReceive && result > 0)
    std::memcpy(proxy.request.data, proxy.bytes.data(), static_cast<std::size_t>(result));
  if (proxy.request.kind == Request::Kind::kSend)
    check(std::equal(proxy.bytes.begin(), proxy.bytes.end(),
                     static_cast<const char*>(proxy.request.data)),
          "what is being sent has changed before its completion");
}

}  // namespace

BackendFactory chaos(ChaosOptions options) {
  return [options](Loop&) { return std::make_unique<Chaos>(options); };
}

}  // namespace brigade
