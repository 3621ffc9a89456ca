#include "ncf/checkpoint/layout.hpp"

#include <charconv>
#include <cstdio>
#include <numeric>
#include <string_view>

namespace ncf {
namespace {

constexpr std::string_view prefix = "step-";

std::string padded(int64_t number, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*lld", digits, static_cast<long long>(number));
  return text;
}

}  // namespace

std::string checkpoint_name(int64_t step) {
  return std::string(prefix) + padded(step, 9);
}

std::optional<int64_t> checkpoint_step(const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, step);
  if (error != std::errc{} || rest != end || step < 0 || checkpoint_name(step) != name) return std::nullopt;
  return step;
}

bool is_leftover(const std::string& name) {
  const auto dot = name.find('.');
  return dot != std::string::npos && checkpoint_step(name.substr(0, dot)).has_value();
}

std::string shard_name(int64_t rank, int64_t world) {
  return "shard-" + padded(rank, 4) + "-of-" + padded(world, 4) + ".h5";
}

int64_t local_rows(int64_t total_rows, int64_t rank, int64_t world) {
  return total_rows > rank ? (total_rows - rank - 1) / world + 1 : 0;
}

SharedRows shared_rows(int64_t total_rows, int64_t rank, int64_t world, int64_t shard, int64_t shards) {
  // Rows i = rank (mod world) with i = shard (mod shards): none, or one every lcm(world, shards) rows.
  const int64_t common = std::gcd(world, shards);
  if (rank % common != shard % common) return {};
  int64_t first = rank;
  while (first % shards != shard) first += world;
  if (first >= total_rows) return {};
  const int64_t every = world / common * shards;
  return {.count = (total_rows - 1 - first) / every + 1,
          .shard_first = first / shards,
          .shard_stride = every / shards,
          .local_first = first / world,
          .local_stride = every / world};
}

}  // namespace ncf
