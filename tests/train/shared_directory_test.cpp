#include "ncf/train/shared_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "ncf/comm/session.hpp"
#include "ncf/util/error.hpp"
#include "support/shared_directory.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string agreed_error_of(Communicator& comm, const std::string& directory) {
  try {
    check_shared_directory(comm, directory);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_TRUE(e.agreed());
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(SharedDirectoryOfARun, SeenByAllAndLeftAsItWas) {
  auto comm = Communicator::world();
  const testing::SharedDirectory dir(comm);
  check_shared_directory(comm, dir.path());
  comm.barrier();
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(SharedDirectoryOfARun, WhatRootCannotWriteNobodyCan) {
  auto comm = Communicator::world();
  const testing::SharedDirectory dir(comm);
  EXPECT_THAT(agreed_error_of(comm, dir / "none"),
              AllOf(HasSubstr("run.dir on " + host_name()), HasSubstr("No such file")));
}

}  // namespace
}  // namespace ncf
