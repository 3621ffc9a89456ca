#pragma once
/// The example's checkpoint as any number of ranks would have written it, made by one process: what
/// write_pieces does needs nobody else.

#include <string>

#include "checkpoint/example.hpp"
#include "ncf/checkpoint/write.hpp"
#include "ncf/io/durable.hpp"

namespace ncf::testing {

/// Writes CHECKPOINTS/step-… and returns its path. Not collective.
inline std::string write_as(int64_t world, const std::string& checkpoints, int64_t step = 1250) {
  constexpr auto kind = ErrorKind::checkpoint;
  const std::string path = checkpoints + "/" + checkpoint_name(step);
  make_directories(path, kind);
  Manifest manifest;
  for (int64_t rank = 0; rank < world; ++rank) {
    Example example(rank, world);
    const Snapshot snapshot = example.snapshot(step);
    for (auto& file : write_pieces(path, rank, world, snapshot)) manifest.files.push_back(file);
    manifest.progress = snapshot.progress;
    manifest.seed = snapshot.seed;
    manifest.moments = snapshot.moments;
    manifest.extra = snapshot.extra;
    manifest.program_version = snapshot.program_version;
  }
  manifest.ranks = world;
  for (const auto& t : example_tables)
    manifest.tables.push_back({t.name, t.rows, t.width, t.has_bias, t.gmf_width});
  write_file(path + "/" + manifest_name, manifest_text(manifest), kind);
  return path;
}

}  // namespace ncf::testing
