#pragma once
/// Names and row arithmetic of a checkpoint directory (docs/formats.md).
/// Global row i is at rank i mod world, in local row i / world.

#include <cstdint>
#include <optional>
#include <string>

namespace ncf {

inline constexpr int64_t checkpoint_format_version = 1;
inline constexpr const char* manifest_name = "manifest.json";
inline constexpr const char* model_name = "model.h5";

/// "step-000001250": names sort by step.
std::string checkpoint_name(int64_t step);
/// The step of such a name; none for any other name ("latest", "step-000001250.partial").
std::optional<int64_t> checkpoint_step(const std::string& name);
/// Whether this is a save or removal that was cut short: "step-000001250.partial", "….removed".
bool is_leftover(const std::string& name);
/// "shard-0003-of-0008.h5"
std::string shard_name(int64_t rank, int64_t world);

/// Rows of a table of `total_rows` that live at `rank`.
int64_t local_rows(int64_t total_rows, int64_t rank, int64_t world);

/// The rows that rank `rank` of `world` has in common with shard `shard` of `shards`: `count` rows, one every
/// `shard_stride` rows of the shard from `shard_first`, and every `local_stride` rows of the rank from
/// `local_first`.
struct SharedRows {
  int64_t count = 0;
  int64_t shard_first = 0;
  int64_t shard_stride = 1;
  int64_t local_first = 0;
  int64_t local_stride = 1;
};
SharedRows shared_rows(int64_t total_rows, int64_t rank, int64_t world, int64_t shard, int64_t shards);

}  // namespace ncf
