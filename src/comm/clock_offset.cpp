#include "ncf/comm/clock_offset.hpp"

#include <cmath>
#include <limits>

#include "comm/communicator_impl.hpp"

namespace ncf {
namespace {

constexpr int rounds = 10;
constexpr int tag = 1;

}  // namespace

ClockOffset clock_offset(Communicator& comm, const std::function<double()>& clock) {
  if (comm.size() == 1) return {};
  const Communicator::Inside mark(comm, "MPI_Recv");
  const MPI_Comm mpi = comm.impl_->comm;
  const auto send = [&](double value, int to) {
    check_mpi(MPI_Send(&value, 1, MPI_DOUBLE, to, tag, mpi), "MPI_Send");
    comm.bytes_sent_ += sizeof value;
  };
  const auto receive = [&](int from) {
    double value = 0;
    check_mpi(MPI_Recv(&value, 1, MPI_DOUBLE, from, tag, mpi, MPI_STATUS_IGNORE), "MPI_Recv");
    return value;
  };
  if (!comm.is_root()) {
    for (int round = 0; round < rounds; ++round) {
      receive(0);
      send(clock(), 0);
    }
    ClockOffset out{.offset_s = receive(0), .error_s = receive(0)};
    if (std::abs(out.offset_s) <= out.error_s) out.offset_s = 0;
    return out;
  }
  for (int rank = 1; rank < comm.size(); ++rank) {
    ClockOffset best{.offset_s = 0, .error_s = std::numeric_limits<double>::infinity()};
    for (int round = 0; round < rounds; ++round) {
      const double asked = clock();
      send(0, rank);
      const double there = receive(rank);
      const double answered = clock();
      if ((answered - asked) / 2 < best.error_s)
        best = {.offset_s = (asked + answered) / 2 - there, .error_s = (answered - asked) / 2};
    }
    send(best.offset_s, rank);
    send(best.error_s, rank);
  }
  return {};
}

}  // namespace ncf
