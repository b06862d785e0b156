#include "brigade/tests/net/fake_host.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "brigade/runtime/check.h"

namespace {

using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

int real_getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** list) {
  static const auto next = reinterpret_cast<GetAddrInfo>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(host, port, hints, list);
}

struct Fake {
  std::mutex mutex;
  std::condition_variable changed;
  std::string name;
  std::vector<std::string> addresses;
  int error = 0;
  int begun = 0;
  int running = 0;
  bool held = false;
};

Fake& fake() {
  static Fake* const instance = new Fake;  // Never destroyed: a look-up may outlive main().
  return *instance;
}

// The real answers for each address, one behind the other; freeaddrinfo(3) walks such a list.
int fake_answer(const Fake& host, const char* port, const addrinfo* hints, addrinfo** list) {
  if (host.error != 0) return host.error;
  addrinfo** end = list;
  for (const std::string& address : host.addresses) {
    const bool supported = address != brigade::FakeHost::kUnsupported;
    const int error = real_getaddrinfo(supported ? address.c_str() : "127.0.0.9", port, hints, end);
    if (error != 0) return error;
    if (!supported) (*end)->ai_family = (*end)->ai_addr->sa_family = AF_MAX - 1;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return 0;
}

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo* hints,
                           addrinfo** list) {
  Fake& own = fake();
  std::unique_lock lock(own.mutex);
  const bool numeric = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (host == nullptr || numeric || own.name.empty() || own.name != host) {
    lock.unlock();
    return real_getaddrinfo(host, port, hints, list);
  }
  ++own.begun;
  ++own.running;
  own.changed.notify_all();
  own.changed.wait(lock, [&own] { return !own.held; });
  const int error = fake_answer(own, port, hints, list);
  --own.running;
  own.changed.notify_all();
  return error;
}

namespace brigade {

FakeHost::FakeHost(std::string name, std::vector<std::string> addresses, int error) {
  const std::lock_guard lock(fake().mutex);
  check(fake().name.empty(), "there is a FakeHost already");
  fake().name = std::move(name);
  fake().addresses = std::move(addresses);
  fake().error = error;
  fake().begun = 0;
}

FakeHost::~FakeHost() {
  answer();
  std::unique_lock lock(fake().mutex);
  fake().changed.wait(lock, [] { return fake().running == 0; });
  fake().name.clear();
}

void FakeHost::hold() {
  const std::lock_guard lock(fake().mutex);
  fake().held = true;
}

void FakeHost::answer() {
  const std::lock_guard lock(fake().mutex);
  fake().held = false;
  fake().changed.notify_all();
}

void FakeHost::wait_for_lookups(int count) {
  std::unique_lock lock(fake().mutex);
  fake().changed.wait(lock, [count] { return fake().begun >= count; });
}

}  // namespace brigade
