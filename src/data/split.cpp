#include "ncf/data/split.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

#include "ncf/data/permutation.hpp"
#include "ncf/util/error.hpp"

namespace ncf {
namespace {

std::vector<uint8_t> random_rows(const RatingsPart& part, int64_t total_rows, double fraction,
                                 uint64_t seed) {
  const auto limit = static_cast<uint64_t>(std::floor(fraction * static_cast<double>(total_rows)));
  const Permutation order(static_cast<uint64_t>(total_rows), seed, Purpose::split, 0);
  std::vector<uint8_t> valid(part.items.size());
  std::array<uint64_t, 1024> block;
  for (std::size_t i = 0; i < valid.size(); i += block.size()) {
    const auto rows = std::span(block).first(std::min(block.size(), valid.size() - i));
    std::iota(rows.begin(), rows.end(), static_cast<uint64_t>(part.first_row) + i);
    order.forward(rows);
    for (std::size_t k = 0; k < rows.size(); ++k) valid[i + k] = rows[k] < limit;
  }
  return valid;
}

std::vector<uint8_t> latest_rows(const RatingsPart& part) {
  std::vector<uint8_t> valid(part.items.size());
  for (std::size_t u = 0; u + 1 < part.offsets.size(); ++u) {
    const auto begin = static_cast<std::size_t>(part.offsets[u]),
               end = static_cast<std::size_t>(part.offsets[u + 1]);
    if (end - begin < 2) continue;
    std::size_t latest = begin;
    for (std::size_t i = begin + 1; i < end; ++i)
      if (part.times[i] >= part.times[latest]) latest = i;
    valid[latest] = 1;
  }
  return valid;
}

}  // namespace

std::vector<uint8_t> validation_rows(const RatingsPart& part, int64_t total_rows, const DataConfig& config,
                                     uint64_t seed) {
  switch (config.split) {
    case SplitKind::random:
      return random_rows(part, total_rows, config.valid_fraction, seed);
    case SplitKind::leave_one_out:
      return latest_rows(part);
    case SplitKind::given:
      return part.valid;
  }
  throw Error(ErrorKind::internal, "unknown split");
}

}  // namespace ncf
