#pragma once
/// The one fault of a process, read from the environment; shim.cpp says how it is written.

#include <atomic>
#include <map>
#include <mutex>
#include <string>

namespace ncf::faults {

class Fault {
 public:
  Fault();

  /// Whether calls of this name matter at all: a quick look, before any path is found out.
  bool concerns(const char* call) const { return here_ && (call_ == call || arm_call_ == call); }
  /// Counts the call. True if the fault falls on it.
  bool due(const char* call, const std::string& path);
  /// A collective has returned: it may be what arms the fault.
  void returned(const char* call);

  bool traces() const { return trace_; }
  template <class Real>
  auto traced(const std::string& call, const std::string& path, Real real) {
    if (call != "fsync") note(call, path);
    const auto result = real();
    if (call == "fsync") note(call, path);
    return result;
  }

  bool after() const { return when_ == "after"; }
  bool during() const { return when_ == "during"; }

  /// Does it. False, with errno set, when the call is to fail; throws when an exception is wanted.
  bool act();

 private:
  static void note(const std::string& call, const std::string& path);

  std::string rank_, call_, path_, arm_call_, when_, what_;
  long nth_ = 1, arm_nth_ = 0;
  bool here_ = false, always_ = false, trace_ = false;
  std::mutex mutex_;
  long seen_ = 0, armed_by_ = 0;
};

/// Of this process. Made at its first use and never destroyed, since libraries make calls until the very end.
Fault& fault();

}  // namespace ncf::faults
