#include "ncf/data/file_names.hpp"

#include <filesystem>

namespace ncf {

bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

std::string existing_file(const std::string& path) {
  for (const char* ending : {"", ".gz", ".xz"})
    if (is_file(path + ending)) return path + ending;
  return {};
}

std::string without_compression(std::string name) {
  for (const char* ending : {".gz", ".xz"})
    if (name.ends_with(ending)) name.resize(name.size() - 3);
  return name;
}

}  // namespace ncf
