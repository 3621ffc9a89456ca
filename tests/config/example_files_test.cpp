// The files of configs/ say what they mean to: they parse, no key of theirs is idle, and none repeats a
// default.
#include <gtest/gtest.h>

#include <filesystem>

#include "ncf/config/check.hpp"

namespace ncf {
namespace {

std::vector<std::string> files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(NCF_SOURCE_DIR) + "/configs"))
    names.push_back(entry.path().string());
  return names;
}

bool explains_every_key(const std::string& file) {
  return std::filesystem::path(file).filename() == "csv.yaml";
}

TEST(ExampleFiles, AreThere) {
  EXPECT_GE(files().size(), 6U);
}

TEST(ExampleFiles, HaveNoIdleKey) {
  for (const auto& file : files()) {
    const auto loaded = load_config(file, {});
    EXPECT_EQ(idle_keys(loaded.config, loaded.places), std::vector<std::string>{}) << file;
  }
}

TEST(ExampleFiles, SayOnlyWhatDiffersFromTheDefaults) {
  Config defaults;
  const Fields default_fields(defaults);
  for (const auto& file : files()) {
    if (explains_every_key(file)) continue;
    auto loaded = load_config(file, {});
    const Fields fields(loaded.config);
    for (const auto& [key, place] : loaded.places)
      EXPECT_NE(fields.find(key)->write(), default_fields.find(key)->write()) << place << ": " << key;
  }
}

TEST(ExampleFiles, AreOverriddenByFlags) {
  const std::vector<Assignment> flags = {{"data.path", "elsewhere"}};
  for (const auto& file : files()) EXPECT_EQ(load_config(file, flags).config.data.path, "elsewhere");
}

}  // namespace
}  // namespace ncf
