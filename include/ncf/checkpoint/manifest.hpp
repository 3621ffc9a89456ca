#pragma once
/// manifest.json: what a checkpoint consists of, with size and digest of every file. It is written last, so a
/// directory with a manifest that fits its files is a whole checkpoint. Errors: Error{checkpoint}.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ncf/checkpoint/snapshot.hpp"

namespace ncf {

struct FileRecord {
  std::string name;  // within the checkpoint's directory
  int64_t bytes = 0;
  std::string digest;  // XXH3, 128 bits, 32 hexadecimal digits
  bool operator==(const FileRecord&) const = default;
};

struct TableRecord {
  std::string name;
  int64_t rows = 0;
  int64_t width = 0;
  bool has_bias = false;
  int64_t gmf_width = 0;
  bool operator==(const TableRecord&) const = default;
};

struct Manifest {
  Progress progress;
  uint64_t seed = 0;
  int64_t ranks = 0;  // shards
  std::string program_version;
  MomentNames moments;
  std::map<std::string, double> extra;
  std::map<std::string, std::string> extra_text;
  std::vector<TableRecord> tables;
  std::vector<FileRecord> files;

  int64_t bytes() const;  // of all files
  bool operator==(const Manifest&) const = default;
};

/// The text of manifest.json. Its first line holds a digest of all that follows.
std::string manifest_text(const Manifest& manifest);
/// `path` is for messages. A text of a later format version is an error that says so.
Manifest parse_manifest(const std::string& text, const std::string& path);
/// The manifest of the checkpoint directory `directory`.
Manifest read_manifest(const std::string& directory);

/// Every file the manifest names is there with the right size, and every shard is named.
void check_sizes(const std::string& directory, const Manifest& manifest);
/// The contents of one file are those the manifest speaks of.
void check_digest(const std::string& directory, const FileRecord& file);

}  // namespace ncf
