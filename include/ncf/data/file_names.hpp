#pragma once
/// Files that may be there compressed: u.data, u.data.gz or u.data.xz.

#include <string>

namespace ncf {

bool is_file(const std::string& path);

/// `path`, or `path` with .gz or .xz: the first that exists. Empty when none does.
std::string existing_file(const std::string& path);

/// The name without a .gz or .xz at its end.
std::string without_compression(std::string name);

}  // namespace ncf
