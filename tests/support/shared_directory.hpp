#pragma once
/// A directory that all ranks of a test share, gone when the test ends.

#include <optional>

#include "ncf/comm/communicator.hpp"
#include "support/temporary_directory.hpp"

namespace ncf::testing {

class SharedDirectory {
 public:
  /// Collective.
  explicit SharedDirectory(Communicator& comm) : comm_(comm) {
    if (comm.is_root()) directory_.emplace();
    path_ = comm.broadcast(directory_ ? directory_->path() : "", 0);
  }
  /// Waits for all ranks, so that none still looks at what is removed. Collective.
  ~SharedDirectory() { comm_.barrier(); }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  Communicator& comm_;
  std::optional<TemporaryDirectory> directory_;
  std::string path_;
};

}  // namespace ncf::testing
