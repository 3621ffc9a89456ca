#pragma once
/// The one exception of the program. Its kind is the exit code of the process (docs/errors.md).

#include <stdexcept>
#include <string>

namespace ncf {

enum class ErrorKind : int {
  usage = 2,       ///< bad flag, key or value
  data = 3,        ///< unreadable or malformed data
  checkpoint = 4,  ///< no valid checkpoint, wrong shape or version
  peer = 5,        ///< a rank is gone or silent
  diverged = 6,    ///< loss, gradient or weight not finite
  internal = 70,   ///< anything unforeseen
  stopped = 75,    ///< stopped on request after saving
};

class Error : public std::runtime_error {
 public:
  /// `message` says what is wrong, where, and what would be right, in one line where possible.
  Error(ErrorKind kind, const std::string& message, bool agreed = false)
      : std::runtime_error(message), kind_(kind), agreed_(agreed) {}

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }
  /// True when every rank throws this same error: the job then ends with one message and a clean
  /// MPI_Finalize. Otherwise the failing rank must abort the job, since the others know nothing.
  bool agreed() const { return agreed_; }

 private:
  ErrorKind kind_;
  bool agreed_;
};

}  // namespace ncf
