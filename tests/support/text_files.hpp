#pragma once
/// Files that tests read back, plain or compressed, and where the real data sets are.

#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filtering_stream.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace ncf::testing {

/// Compressed when the name ends in .gz or .xz.
inline void write_text(const std::string& path, const std::string& text) {
  namespace streams = boost::iostreams;
  std::ofstream file(path, std::ios::binary);
  streams::filtering_ostream out;
  if (path.ends_with(".gz")) out.push(streams::gzip_compressor());
  if (path.ends_with(".xz")) out.push(streams::lzma_compressor());
  out.push(file);
  out << text;
}

/// Bytes as they are, whatever the name.
inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A real data set: $NCF_DATA/name or ../shared/data/name beside the repository. Empty when absent: the test
/// skips.
inline std::string real_data(const std::string& name) {
  const char* data = std::getenv("NCF_DATA");
  const std::string root = data ? data : std::string(NCF_SOURCE_DIR) + "/../shared/data";
  return std::filesystem::exists(root + "/" + name) ? root + "/" + name : std::string();
}

/// What `action` throws, as "kind: message"; "nothing" when it does not.
template <class Exception, class Action>
std::string thrown_by(Action&& action) {
  try {
    action();
  } catch (const Exception& error) {
    return std::to_string(error.exit_code()) + ": " + error.what();
  }
  return "nothing";
}

}  // namespace ncf::testing
