#include "ncf/train/run_report.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ncf/train/placement.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"
#include "ncf/util/target.hpp"
#include "ncf/util/version.hpp"

namespace ncf {
namespace {

using json = nlohmann::ordered_json;

json event(const char* name) {
  return {{"event", name}, {"time", utc_now()}};
}

/// JSON has no NaN.
json number(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

/// 1234567 as "1,234,567".
std::string thousands(int64_t value) {
  const std::string digits = std::to_string(value);
  std::string out;
  for (std::size_t k = 0; k < digits.size(); ++k) {
    if (k > 0 && (digits.size() - k) % 3 == 0) out += ',';
    out += digits[k];
  }
  return out;
}

std::string mebibytes(int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1048576.0);
}

std::string metric(double value) {
  return std::isfinite(value) ? fmt::format("{:10.4f}", value) : fmt::format("{:>10}", "–");
}

/// Whether somebody watches. mpirun gives rank 0 a pseudo-terminal of its own, so under it the question is
/// where mpirun's output goes; a rank 0 on another host than mpirun counts as not watched.
bool output_is_watched() {
  if (isatty(STDOUT_FILENO) != 1) return false;
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return true;
  const std::string link = fmt::format("/proc/{}/fd/1", getppid());
  const int fd = open(link.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const bool watched = isatty(fd) == 1;
  close(fd);
  return watched;
}

}  // namespace

RunReport::RunReport(const std::string& dir, bool open) : open_(open), path_(dir + "/metrics.jsonl") {
  if (!open_) return;
  terminal_ = output_is_watched();
  metrics_.open(path_, std::ios::app);
  if (!metrics_) throw Error(ErrorKind::usage, "run.dir: " + path_ + " cannot be written");
}

void RunReport::line(const std::string& text) {
  if (!metrics_) return;
  metrics_ << text << '\n' << std::flush;
  // A full disk must not end the training; what is missing is said once.
  if (!metrics_) log_warning(path_ + " cannot be written any more; training goes on");
}

void RunReport::start(const RunFacts& f) {
  if (!open_) return;
  epochs_ = f.epochs;
  train_rows_ = f.train_rows;
  const auto placed = ranks_by_host(f.hosts);
  std::vector<std::string> hosts;
  std::vector<int64_t> ranks_per_host;
  for (const auto& [host, ranks] : placed) {
    hosts.push_back(host);
    ranks_per_host.push_back(ranks);
  }
  fmt::print("ncf_dist {}  {} rank{} × {} thread{} on {}  {}\n", version(), f.ranks, f.ranks == 1 ? "" : "s",
             f.threads, f.threads == 1 ? "" : "s", hosts_text(placed), instruction_set());
  fmt::print("         {}\n", f.libraries);
  fmt::print("ratings  {}: {} users, {} items, {} to train, {} to validate\n", f.source, thousands(f.users),
             thousands(f.items), thousands(f.train_rows), thousands(f.valid_rows));
  if (f.from_text)
    fmt::print("         read as text; `ncf_dist prepare` makes a data set of it that loads faster\n");
  fmt::print("model    {}: {} parameters, {} a rank\n\n", f.model, thousands(f.parameters),
             mebibytes(f.rank_bytes));
  if (!f.started_from.empty())
    fmt::print("{} {}\n\n", f.resumed_from ? "resumed " : "from    ", f.started_from);
  fmt::print("{:>7} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11} {:>8}\n", "epoch", "train loss", "valid mse",
             "rmse", "mae", "lr", "samples/s", "seconds");
  std::fflush(stdout);
  json j = event("start");
  j.update({{"version", version()},
            {"ranks", f.ranks},
            {"threads", f.threads},
            {"hosts", hosts},
            {"ranks_per_host", ranks_per_host},
            {"isa", instruction_set()},
            {"libraries", f.libraries},
            {"users", f.users},
            {"items", f.items},
            {"train_rows", f.train_rows},
            {"valid_rows", f.valid_rows},
            {"parameters", f.parameters},
            {"resumed_from", f.resumed_from ? json(*f.resumed_from) : json(nullptr)}});
  line(j.dump());
}

void RunReport::progress(int64_t epoch, int64_t step, int64_t steps, double samples_per_s) {
  if (!terminal_) return;
  const double now = now_s();
  if (now - bar_drawn_ < 0.1) return;
  bar_drawn_ = now;
  bar_shown_ = true;
  constexpr int64_t width = 30;
  const int64_t filled = step * width / steps;
  std::string bar;
  for (int64_t i = 0; i < width; ++i) bar += i < filled ? "━" : "╌";
  const double epochs_left =
      static_cast<double>(epochs_ - epoch) + static_cast<double>(steps - step) / static_cast<double>(steps);
  const double left = samples_per_s > 0 ? epochs_left * static_cast<double>(train_rows_) / samples_per_s : 0;
  fmt::print("\r\x1b[Kepoch {}/{} {} {:3}%  {} samples/s  {} left", epoch, epochs_, bar, step * 100 / steps,
             thousands(static_cast<int64_t>(samples_per_s)), duration_text(left));
  std::fflush(stdout);
}

void RunReport::clear_bar() {
  if (bar_shown_) fmt::print("\r\x1b[K");
  bar_shown_ = false;
}

void RunReport::say(const std::string& sentence) {
  if (!open_) return;
  clear_bar();
  fmt::print("{}\n", sentence);
  std::fflush(stdout);
}

void RunReport::epoch(const EpochFacts& f) {
  if (!open_) return;
  clear_bar();
  const RatingMetrics none{.mse = NAN, .rmse = NAN, .mae = NAN, .rows = 0};
  const RatingMetrics& v = f.valid ? *f.valid : none;
  fmt::print("{:>7} {} {} {} {} {:10.2e} {:>11} {:8.2f}\n", fmt::format("{}/{}", f.epoch, epochs_),
             metric(f.train_loss), metric(v.mse), metric(v.rmse), metric(v.mae), f.lr,
             thousands(static_cast<int64_t>(f.samples_per_s)), f.seconds);
  std::fflush(stdout);
  json phases = json::object();
  for (std::size_t p = 0; p < phase_names.size(); ++p)
    phases[phase_names[p]] = {{"slowest", f.phases.slowest[p]}, {"mean", f.phases.mean[p]}};
  json j = event("epoch");
  j.update({{"epoch", f.epoch}, {"step", f.step}, {"train_loss", number(f.train_loss)}});
  j["valid"] = f.valid ? json{{"mse", number(v.mse)}, {"rmse", number(v.rmse)}, {"mae", number(v.mae)}}
                       : json(nullptr);
  j.update({{"lr", f.lr},
            {"samples_per_s", f.samples_per_s},
            {"seconds", f.seconds},
            {"phases", phases},
            {"bytes_sent", f.bytes_sent}});
  line(j.dump());
}

void RunReport::checkpoint(int64_t step, const std::string& path, double seconds, double waited_s,
                           int64_t bytes) {
  if (!open_) return;
  saved_ = path;
  json j = event("checkpoint");
  j.update({{"step", step}, {"path", path}, {"seconds", seconds}, {"waited_s", waited_s}, {"bytes", bytes}});
  line(j.dump());
}

void RunReport::phases(const PhaseSeconds& total) const {
  if (!open_) return;
  double all = 0;
  for (double s : total.mean) all += s;
  fmt::print("\nwhere the time went (mean over ranks)\n");
  for (std::size_t p = 0; p < phase_names.size(); ++p)
    if (total.mean[p] > 0)
      fmt::print("  {:<12} {:8.3f} s  {:5.1f} %   slowest rank {:.3f} s\n", phase_names[p], total.mean[p],
                 100 * total.mean[p] / all, total.slowest[p]);
  std::fflush(stdout);
}

void RunReport::end(const std::string& reason, double seconds, std::optional<double> best,
                    const std::string& advice) {
  if (!open_) return;
  clear_bar();
  json j = event("end");
  j.update({{"reason", reason}, {"seconds", seconds}, {"best", best ? number(*best) : json(nullptr)}});
  line(j.dump());
  fmt::print("\n{} after {} ({:.2f} s)\n", reason == "finished" ? "finished" : "stopped",
             duration_text(seconds), seconds);
  if (!saved_.empty()) fmt::print("model    {}/model.h5\nmetrics  {}\n", saved_, path_);
  if (!advice.empty()) fmt::print("{}\n", advice);
  std::fflush(stdout);
}

}  // namespace ncf
