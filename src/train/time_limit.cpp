#include "ncf/train/time_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "ncf/config/duration.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {
namespace {

/// Seconds from now to the time that SLURM gives; nothing outside of SLURM.
std::optional<double> slurm_left_s() {
  const char* text = std::getenv("SLURM_JOB_END_TIME");
  if (text == nullptr) return {};
  char* rest = nullptr;
  const double end = std::strtod(text, &rest);
  if (rest == text || *rest != '\0' || !(end > 0)) return {};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return end - std::chrono::duration<double>(now).count();
}

}  // namespace

TimeLimit::TimeLimit(const RunConfig& run) {
  std::optional<double> left = slurm_left_s();
  if (left) name_ = "the end of the SLURM job";
  if (const auto own = parse_duration(run.stop_before); own && (!left || static_cast<double>(*own) < *left)) {
    left = static_cast<double>(*own);
    name_ = "run.stop_before " + run.stop_before;
  }
  if (!left) return;
  end_ = now_s() + *left;
  margin_ = std::clamp(*left / 20, 0.0, 60.0);
}

bool TimeLimit::is_near(double longest_save_s) const {
  return end_ && now_s() + margin_ + 2 * longest_save_s >= *end_;
}

std::optional<double> TimeLimit::left_s() const {
  return end_ ? std::optional(*end_ - now_s()) : std::nullopt;
}

}  // namespace ncf
