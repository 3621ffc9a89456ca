#pragma once
/// A temporary directory that all ranks of a test see: the root makes it, writes into it, and removes it at
/// the end.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ncf/comm/communicator.hpp"
#include "support/temporary_directory.hpp"
#include "support/text_files.hpp"

namespace ncf::testing {

class SharedDirectory {
 public:
  /// Collective.
  explicit SharedDirectory(Communicator& comm) : comm_(comm) {
    if (comm.is_root()) mine_ = std::make_unique<TemporaryDirectory>();
    path_ = comm.broadcast(mine_ ? mine_->path() : std::string(), 0);
  }
  /// Waits for all ranks, so that none still looks at what is removed; but a rank whose test failed ends the
  /// job and must not wait. Collective.
  ~SharedDirectory() {
    if (!::testing::Test::HasFailure()) comm_.barrier();
  }
  /// Writes a file once for all and returns its path. Collective.
  std::string file(const std::string& name, const std::string& text) {
    if (mine_) write_text(path_ + "/" + name, text);
    comm_.barrier();
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  Communicator& comm_;
  std::unique_ptr<TemporaryDirectory> mine_;
  std::string path_;
};

}  // namespace ncf::testing
