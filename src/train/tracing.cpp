#include "ncf/train/tracing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "ncf/comm/agreement.hpp"
#include "ncf/comm/session.hpp"
#include "ncf/util/clock.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

/// Ten megabytes a rank. A step has about twenty spans; the rest is for loading, evaluating and saving.
constexpr std::size_t most_spans = 200000;
/// How many ranks rank 0 hears at once: what it holds stays bounded in a large job.
constexpr int heard_at_once = 64;

const char* category(SpanKind kind) {
  return kind == SpanKind::step ? "step" : kind == SpanKind::phase ? "phase" : "collective";
}

/// One rank's events, each a line that begins with a comma but for the first of all. What its courier did has
/// a row of its own, since it overlaps with what the rank did.
std::string events_text(const TraceSpans& trace, int rank, int ranks, double to_origin_s,
                        const ClockOffset& clock) {
  const nlohmann::json name = fmt::format("rank {} on {}", rank, host_name());
  const auto on_row = [&](int row) { return fmt::format("\"pid\":{},\"tid\":{}", rank, row); };
  const std::string who = on_row(rank), courier = on_row(ranks + rank);
  std::string text = fmt::format(
      R"({}{{"name":"process_name","ph":"M",{},"args":{{"name":{}}}}},
{{"name":"process_sort_index","ph":"M",{},"args":{{"sort_index":{}}}}},
{{"name":"clock","ph":"M",{},"args":{{"offset_us":{:.3f},"error_us":{:.3f},"lost_spans":{}}}}})",
      rank == 0 ? "" : ",\n", who, name.dump(), who, rank, who, clock.offset_s * 1e6, clock.error_s * 1e6,
      trace.lost());
  if (std::ranges::any_of(trace.spans(), &TraceSpan::beside))
    text += fmt::format(R"(,
{{"name":"thread_name","ph":"M",{},"args":{{"name":"courier"}}}})",
                        courier);
  for (const TraceSpan& span : trace.spans()) {
    text += fmt::format(R"(,
{{"name":"{}","cat":"{}","ph":"X",{},"ts":{:.3f},"dur":{:.3f})",
                        span.name, category(span.kind), span.beside ? courier : who,
                        (span.begin_s + to_origin_s) * 1e6, (span.end_s - span.begin_s) * 1e6);
    if (span.kind == SpanKind::step) text += fmt::format(R"(,"args":{{"step":{}}})", span.number);
    if (span.kind == SpanKind::collective) text += fmt::format(R"(,"args":{{"bytes":{}}})", span.number);
    text += '}';
  }
  return text;
}

/// Passes every rank's text to rank 0's `out`, in the order of ranks. Collective.
void gather(Communicator& comm, const std::string& mine, std::ofstream& out) {
  for (int first = 0; first < comm.size(); first += heard_at_once) {
    const bool speaks = comm.rank() >= first && comm.rank() < first + heard_at_once;
    std::vector<int64_t> counts(static_cast<std::size_t>(comm.size()), 0);
    const std::span<const char> said(mine.data(), speaks ? mine.size() : 0);
    counts[0] = static_cast<int64_t>(said.size());
    const Received<char> heard = comm.all_to_all_v(said, std::span<const int64_t>(counts));
    if (comm.is_root()) out.write(heard.values.data(), static_cast<std::streamsize>(heard.values.size()));
  }
}

}  // namespace

Tracing::Tracing(const RunConfig& config, Communicator& comm)
    : path_(config.trace), steps_left_(config.trace_steps) {
  if (path_.empty()) return;
  agree(comm, [&] {
    if (comm.is_root() && !std::ofstream(path_))
      throw Error(ErrorKind::usage, "run.trace: cannot write " + path_ + ": " + std::strerror(errno));
  });
  clock_ = clock_offset(comm);
  double origin = now_s();
  comm.broadcast(std::span(&origin, 1), 0);
  origin_s_ = origin;
  started_ = utc_now();
  spans_ = std::make_unique<TraceSpans>(most_spans);
  comm.set_trace(spans_.get());
}

bool Tracing::after_step(Communicator& comm, int64_t step, double begun_s, double ended_s) {
  if (!spans_) return false;
  spans_->add({.kind = SpanKind::step, .name = "step", .begin_s = begun_s, .end_s = ended_s, .number = step});
  if (--steps_left_ > 0) return false;
  finish(comm);
  return true;
}

void Tracing::finish(Communicator& comm) {
  if (!spans_) return;
  comm.set_trace(nullptr);
  const std::string mine =
      events_text(*spans_, comm.rank(), comm.size(), clock_.offset_s - origin_s_, clock_);
  spans_.reset();
  std::ofstream out;
  if (comm.is_root()) {
    out.open(path_);
    out << "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"program\":\"ncf_dist\",\"ranks\":" << comm.size()
        << ",\"started\":\"" << started_ << "\"},\"traceEvents\":[\n";
  }
  gather(comm, mine, out);
  if (!comm.is_root()) return;
  out << "\n]}\n";
  out.close();
  if (!out) log_warning("run.trace: " + path_ + " could not be written; training goes on");
}

}  // namespace ncf
