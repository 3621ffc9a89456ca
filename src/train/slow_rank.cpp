#include "ncf/train/slow_rank.hpp"

#include <algorithm>

namespace ncf {
namespace {

constexpr double much_slower = 1.5;
constexpr double worth_saying = 0.1;  // of the time

}  // namespace

std::optional<Slowness> slowest_rank(std::span<const double> own_s, double wall_s) {
  if (own_s.size() < 2) return {};
  const auto most = std::ranges::max_element(own_s);
  std::vector<double> others(own_s.begin(), most);
  others.insert(others.end(), most + 1, own_s.end());
  const auto middle = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
  std::ranges::nth_element(others, middle);
  // Nearly nothing to do, all of them: nobody is slow.
  const double median = std::max(*middle, 1e-3 * wall_s);
  return Slowness{.rank = static_cast<std::size_t>(most - own_s.begin()),
                  .times = std::max(1.0, *most / median),
                  .share = wall_s > 0 ? std::max(0.0, *most - median) / wall_s : 0};
}

std::optional<Slowness> SlowRankWatch::add(std::span<const double> own_s, double wall_s) {
  if (window_s_ <= 0) return {};
  own_s_.resize(own_s.size(), 0);
  named_.resize(own_s.size(), false);
  for (std::size_t r = 0; r < own_s.size(); ++r) own_s_[r] += own_s[r];
  wall_s_ += wall_s;
  if (wall_s_ < window_s_) return {};
  const auto slowest = slowest_rank(own_s_, wall_s_);
  std::ranges::fill(own_s_, 0);
  wall_s_ = 0;
  if (!slowest || slowest->times < much_slower || slowest->share < worth_saying || named_[slowest->rank])
    return {};
  named_[slowest->rank] = true;
  return slowest;
}

}  // namespace ncf
