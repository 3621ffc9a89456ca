#include "ncf/config/reference.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "ncf/config/config.hpp"

namespace ncf {
namespace {

TEST(Reference, HasARowForEveryKeyAndAHeadingForEverySection) {
  const std::string page = reference_page();
  Config config;
  const Fields fields(config);
  for (const Field& field : fields.all())
    EXPECT_NE(page.find("| `" + field.key + "` | "), std::string::npos) << field.key;
  for (const Section& section : fields.sections())
    EXPECT_NE(page.find("\n## " + section.key + "\n"), std::string::npos) << section.key;
}

TEST(Reference, ThePageInDocsIsCurrent) {
  std::ifstream in(std::string(NCF_SOURCE_DIR) + "/docs/reference.md");
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == reference_page()) << "run: ncf_dist config --reference > docs/reference.md";
}

TEST(Reference, MainKeysAreThoseMarkedAndFitATerminal) {
  const std::string text = main_keys();
  EXPECT_NE(text.find("  --train.epochs "), std::string::npos);
  EXPECT_EQ(text.find("--train.eps"), std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

}  // namespace
}  // namespace ncf
