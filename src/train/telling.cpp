#include "ncf/train/telling.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

#include "ncf/util/clock.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

constexpr double every_s = 1;
constexpr uint64_t tell_note = 16;  // above those of Saving and Run

int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace

std::string will_not_fit(double left_s, double limit_left_s, const std::string& limit, double seconds,
                         int64_t steps) {
  if (steps < 10 || seconds < std::min(30.0, 0.02 * (seconds + limit_left_s))) return "";
  // An estimate: nothing is said of what may just fit.
  if (left_s < 1.1 * limit_left_s) return "";
  return fmt::format(
      "about {} of training are left, and {} until {}: it will not fit. The run will save and stop ahead of "
      "it (exit code 75), to be continued with --resume",
      duration_text(left_s), duration_text(std::max(0.0, limit_left_s)), limit);
}

Telling::Telling(const CommConfig& config, const TimeLimit& limit, RunReport& report)
    : limit_(limit), report_(report), slow_(config.slow_rank_s) {}

void Telling::begin(const Communicator& comm, const std::string& dir, const RunLength& length,
                    const std::vector<std::string>& hosts) {
  length_ = length;
  step_ = length.step;
  hosts_ = hosts;
  begun_s_ = told_s_ = now_s();
  waited_s_ = comm.waited_s();
  if (!comm.is_root()) return;
  RunProgress first;
  first.state = "training";
  first.step = length.step;
  first.steps = length.steps;
  first.epochs = length.epochs;
  first.limit = limit_.name();
  first.limit_left_s = limit_.left_s();
  first.hosts = hosts;
  file_ = std::make_unique<ProgressFile>(dir, std::move(first));
}

uint64_t Telling::notes(const Communicator& comm) const {
  return comm.is_root() && now_s() - told_s_ >= every_s ? tell_note : 0;
}

void Telling::after_step(Communicator& comm, uint64_t united, int64_t step, int64_t rows) {
  step_ = step;
  rows_ += rows;
  if (file_) file_->set_step(step);
  if ((united & tell_note) != 0) exchange(comm);
}

void Telling::exchange(Communicator& comm) {
  const double now = now_s();
  RankProgress mine;
  mine.wall_s = now - told_s_;
  mine.own_s = std::clamp(mine.wall_s - (comm.waited_s() - waited_s_), 0.0, mine.wall_s);
  mine.memory_bytes = resident_bytes();
  waited_s_ = comm.waited_s();
  const std::vector<RankProgress> ranks = comm.all_gather(mine);
  if (comm.is_root()) tell(now, ranks);
  told_s_ = now;
  rows_ = 0;
  paused_s_ = 0;
}

void Telling::tell(double now, const std::vector<RankProgress>& ranks) {
  warn_of_slow_rank(ranks);
  const int64_t steps = step_ - length_.step;
  const double seconds = now - begun_s_;
  const double left = seconds / static_cast<double>(steps) * static_cast<double>(length_.steps - step_);
  const auto limit_left = limit_.left_s();
  file_->change([&](RunProgress& p) {
    p.samples_per_s = static_cast<double>(rows_) / std::max(1e-9, now - told_s_ - paused_s_);
    p.left_s = left;
    p.limit_left_s = limit_left;
    p.ranks = ranks;
  });
  if (!limit_left || fit_is_told_) return;
  const std::string sentence = will_not_fit(left, *limit_left, limit_.name(), seconds, steps);
  if (sentence.empty()) return;
  report_.say(sentence);
  fit_is_told_ = true;
}

void Telling::warn_of_slow_rank(const std::vector<RankProgress>& ranks) {
  std::vector<double> own;
  for (const RankProgress& rank : ranks) own.push_back(rank.own_s);
  const auto slow = slow_.add(own, ranks.front().wall_s);
  if (!slow) return;
  log_warning(
      fmt::format("rank {} on {} is slow: it took {:.1f} times as long for its part as the others, which "
                  "waited for it {:.0f} % of the time. Its host may be busy with something else",
                  slow->rank, hosts_[slow->rank], slow->times, 100 * slow->share));
}

void Telling::state(const char* state) {
  const double now = now_s();
  if (pause_begun_s_ > 0) paused_s_ += now - pause_begun_s_;
  pause_begun_s_ = std::string_view(state) == "training" ? 0 : now;
  if (file_) file_->change([&](RunProgress& p) { p.state = state; });
}

void Telling::end(const std::string& reason) {
  if (file_) file_->end(reason);
}

}  // namespace ncf
