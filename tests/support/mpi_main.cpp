// main() of multi-rank tests. A rank whose test fails says so and ends the job, so that no other rank waits
// for it.
#include <gtest/gtest.h>

#include <iostream>

#include "ncf/comm/communicator.hpp"
#include "ncf/comm/session.hpp"

namespace {

class EndOthersOnFailure : public testing::EmptyTestEventListener {
 public:
  explicit EndOthersOnFailure(ncf::Communicator& comm) : comm_(comm) {}
  void OnTestStart(const testing::TestInfo&) override { comm_.barrier(); }
  /// The root's own printer shows its failures; those of others would pass unseen.
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (comm_.is_root() || !result.failed()) return;
    std::cerr << "rank " << comm_.rank() << ": ";
    if (result.file_name() != nullptr) std::cerr << result.file_name() << ":" << result.line_number() << ": ";
    std::cerr << result.message() << std::endl;
  }
  void OnTestEnd(const testing::TestInfo& info) override {
    if (!info.result()->Failed()) return;
    std::cerr << "rank " << comm_.rank() << " of " << comm_.size() << ": " << info.test_suite_name() << "."
              << info.name() << " failed" << std::endl;
    if (comm_.size() > 1) comm_.abort(1);
  }

 private:
  ncf::Communicator& comm_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  ncf::set_open_mpi_defaults();
  ncf::MpiSession session(&argc, &argv);
  ncf::Communicator comm = ncf::Communicator::world();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (!comm.is_root()) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new EndOthersOnFailure(comm));
  return RUN_ALL_TESTS();
}
