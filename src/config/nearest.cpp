#include "ncf/config/nearest.hpp"

#include <algorithm>
#include <vector>

namespace ncf {
namespace {

std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: rows i-2, i-1 and i of the distances between prefixes.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string> nearest(std::string_view name, std::span<const std::string> names) {
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  const auto consider = [&](std::string_view written, std::string_view valid, const std::string& candidate) {
    const std::size_t distance = edit_distance(written, valid);
    if (2 * distance >= std::max(written.size(), valid.size())) return;
    if (!best || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  };
  // A wrong section with the right key is likelier than the right section with a key of another meaning.
  for (const auto& candidate : names) {
    consider(name, candidate, candidate);
    consider(last_part(name), last_part(candidate), candidate);
  }
  return best;
}

std::string nearest_hint(std::string_view name, std::span<const std::string> names) {
  const auto found = nearest(name, names);
  return found ? ", the nearest is " + *found : "";
}

}  // namespace ncf
