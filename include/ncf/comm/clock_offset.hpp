#pragma once
/// How far this rank's monotonic clock is from that of rank 0. Hosts count from their own start, so times of
/// different hosts mean nothing to each other without it.

#include <functional>

#include "ncf/comm/communicator.hpp"
#include "ncf/util/clock.hpp"

namespace ncf {

struct ClockOffset {
  double offset_s = 0;  // to be added to this rank's clock to have that of rank 0
  double error_s = 0;   // at most, if messages take as long there as back: half of the quickest round trip
};

/// Rank 0 asks every other rank in turn for its time, several times; the quickest answer counts. An offset
/// within the error, as of ranks on one host, is 0. Collective.
ClockOffset clock_offset(Communicator& comm, const std::function<double()>& clock = now_s);

}  // namespace ncf
