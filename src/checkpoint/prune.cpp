#include "ncf/checkpoint/prune.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/checkpoint/manifest.hpp"
#include "ncf/io/durable.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;

struct Candidate {
  int64_t step = 0;
  std::string name;
  std::optional<double> metric;
};

/// Checkpoints up to `newest_step`, newest first. One that cannot be read is left for a person to look at.
std::vector<Candidate> candidates(const std::string& checkpoints, int64_t newest_step,
                                  const std::string& metric) {
  std::vector<Candidate> out;
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    const std::string name = entry.path().filename();
    const auto step = checkpoint_step(name);
    if (!step || *step > newest_step) continue;
    try {
      const Manifest manifest = read_manifest(entry.path());
      const auto found = manifest.extra.find(metric);
      out.push_back({*step, name, {}});
      if (found != manifest.extra.end() && found->second == found->second) out.back().metric = found->second;
    } catch (const Error&) {
      continue;
    }
  }
  std::ranges::sort(out, std::greater{}, &Candidate::step);
  return out;
}

void remove_leftovers(const std::string& checkpoints) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(checkpoints))
    if (is_leftover(entry.path().filename())) found.push_back(entry.path());
  for (const auto& path : found) remove_all(path, kind);
}

}  // namespace

void prune_checkpoints(const std::string& checkpoints, int64_t newest_step, const Keep& keep) {
  const std::vector<Candidate> all = candidates(checkpoints, newest_step, keep.metric);
  std::set<std::string> kept;
  for (std::size_t k = 0; k < all.size() && static_cast<int64_t>(k) < keep.last; ++k)
    kept.insert(all[k].name);
  std::vector<Candidate> measured;
  std::ranges::copy_if(all, std::back_inserter(measured),
                       [](const Candidate& c) { return c.metric.has_value(); });
  // Of equals the earlier one is the better.
  std::ranges::stable_sort(measured, {}, [](const Candidate& c) { return std::pair(*c.metric, c.step); });
  for (std::size_t k = 0; k < measured.size() && static_cast<int64_t>(k) < keep.best; ++k)
    kept.insert(measured[k].name);
  if (keep.best == 0 && fs::is_symlink(checkpoints + "/best")) remove_all(checkpoints + "/best", kind);
  if (keep.best > 0 && !measured.empty()) replace_link(measured.front().name, checkpoints + "/best", kind);
  for (const Candidate& c : all) {
    if (kept.contains(c.name)) continue;
    const std::string path = checkpoints + "/" + c.name;
    replace(path, path + ".removed", kind);
  }
  remove_leftovers(checkpoints);
}

}  // namespace ncf
