#pragma once
/// The trace of a run (run.trace): every rank notes its first steps, phases and collectives, and rank 0
/// writes them as one file of Chrome's trace events, with all times on rank 0's clock.

#include <memory>
#include <string>

#include "ncf/comm/clock_offset.hpp"
#include "ncf/comm/communicator.hpp"
#include "ncf/config/config.hpp"
#include "ncf/util/trace.hpp"

namespace ncf {

class Tracing {
 public:
  /// Begins it, or does nothing for ever when there is no run.trace. Throws an agreed Error{usage} when rank
  /// 0 cannot write there. Collective.
  Tracing(const RunConfig& config, Communicator& comm);
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

  /// Where spans go; null when there is no trace, or none any more.
  TraceSpans* spans() { return spans_.get(); }
  /// A step is done; after the last one to be traced the file is written. `step` is the same on all ranks.
  /// Returns whether the trace has ended with it. Collective.
  bool after_step(Communicator& comm, int64_t step, double begun_s, double ended_s);
  /// Writes what there is, unless that has been done. A file that cannot be written is a warning. Collective.
  void finish(Communicator& comm);

 private:
  std::string path_;
  int64_t steps_left_ = 0;
  double origin_s_ = 0;  // of the times in the file, by rank 0's clock
  std::string started_;  // UTC, of the origin
  ClockOffset clock_;
  std::unique_ptr<TraceSpans> spans_;
};

}  // namespace ncf
