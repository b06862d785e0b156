#pragma once

#include <string>
#include <vector>

namespace brigade {

/// A host name with the addresses that a test gives it: stands in for getaddrinfo(3) in the whole
/// program while it lives. Other names are looked up as ever.
class FakeHost {
 public:
  /// Stands for an address of a family that the system has no sockets for, as IPv6 where it is off.
  static constexpr const char* kUnsupported = "unsupported";

  /// `addresses` in digits; with an `error` of getaddrinfo's, they are not used.
  FakeHost(std::string name, std::vector<std::string> addresses, int error = 0);

  /// Waits until no look-up of the name runs.
  ~FakeHost();

  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  /// From now on look-ups do not return, as with a mute name server, until answer().
  void hold();
  void answer();

  /// Blocks until `count` look-ups have begun.
  void wait_for_lookups(int count);
};

}  // namespace brigade
