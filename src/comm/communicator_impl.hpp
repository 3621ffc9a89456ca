#pragma once
/// What a Communicator owns: MPI's communicator, the element types made for it, and where this rank is in it.
/// Communicator::self() owns no MPI communicator and never calls MPI.

#include <cstddef>
#include <map>
#include <vector>

#include "comm/mpi_call.hpp"
#include "comm/whereabouts.hpp"
#include "ncf/comm/communicator.hpp"

namespace ncf {

struct Communicator::Impl {
  MPI_Comm comm = MPI_COMM_NULL;
  std::map<std::size_t, MPI_Datatype> types;                                    // by size in bytes
  std::vector<int> send_counts, send_offsets, receive_counts, receive_offsets;  // kept between all-to-alls
  Whereabouts whereabouts;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  /// An element of `size` bytes, so that counts stay in elements and far below MPI's int.
  MPI_Datatype type(std::size_t size);
};

}  // namespace ncf
