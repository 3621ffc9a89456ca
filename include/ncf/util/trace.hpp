#pragma once
/// What one rank did when: spans of its time, kept in memory until somebody writes them (train/tracing.hpp).
/// Bounded: what comes after `most` spans is counted, not kept. Any thread may add.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace ncf {

enum class SpanKind : uint8_t { step, phase, collective };

struct TraceSpan {
  SpanKind kind = SpanKind::phase;
  const char* name = "";          // of static storage
  double begin_s = 0, end_s = 0;  // by now_s()
  int64_t number = 0;             // of a step: which; of a collective: bytes this rank sent
  bool beside = false;            // a collective that the rank's courier was in while the rank computed
};

class TraceSpans {
 public:
  explicit TraceSpans(std::size_t most) : most_(most) {}
  void add(const TraceSpan& span) {
    const std::lock_guard lock(mutex_);
    if (spans_.size() < most_)
      spans_.push_back(span);
    else
      ++lost_;
  }
  /// Once nobody adds any more.
  const std::vector<TraceSpan>& spans() const { return spans_; }
  int64_t lost() const { return lost_; }

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::vector<TraceSpan> spans_;
  int64_t lost_ = 0;
};

}  // namespace ncf
