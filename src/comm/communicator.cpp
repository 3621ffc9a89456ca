#include "ncf/comm/communicator.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "comm/mpi_call.hpp"
#include "ncf/util/narrow.hpp"

namespace ncf {

/// Owns the communicator and the element types made for it.
struct Communicator::Impl {
  MPI_Comm comm = MPI_COMM_NULL;
  std::map<std::size_t, MPI_Datatype> types;
  std::vector<int> send_counts, send_offsets, receive_counts, receive_offsets;

  /// An element of `size` bytes, so that counts stay in elements and far below MPI's int.
  MPI_Datatype type(std::size_t size) {
    auto [at, fresh] = types.try_emplace(size, MPI_DATATYPE_NULL);
    if (fresh) {
      check_mpi(MPI_Type_contiguous(narrow<int>(size), MPI_BYTE, &at->second), "MPI_Type_contiguous");
      check_mpi(MPI_Type_commit(&at->second), "MPI_Type_commit");
    }
    return at->second;
  }

  ~Impl() {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized || comm == MPI_COMM_NULL) return;
    for (auto& [size, t] : types) MPI_Type_free(&t);
    // The communicator itself is left to MPI_Finalize: freeing it is a collective, and a destructor must not
    // be one.
  }
};

Communicator Communicator::world() {
  auto impl = std::make_unique<Impl>();
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &impl->comm), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(impl->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  Communicator out(std::move(impl));
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(out.impl_->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  MPI_Comm_size(node, &out.node_size_);
  MPI_Comm_rank(node, &out.node_rank_);
  MPI_Comm_free(&node);
  return out;
}

Communicator Communicator::self() {
  auto impl = std::make_unique<Impl>();
  check_mpi(MPI_Comm_dup(MPI_COMM_SELF, &impl->comm), "MPI_Comm_dup");
  return Communicator(std::move(impl));
}

Communicator::Communicator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  MPI_Comm_rank(impl_->comm, &rank_);
  MPI_Comm_size(impl_->comm, &size_);
}
Communicator::Communicator(Communicator&&) noexcept = default;
Communicator& Communicator::operator=(Communicator&&) noexcept = default;
Communicator::~Communicator() = default;

void Communicator::barrier() {
  if (size_ == 1) return;
  InCollective mark("MPI_Barrier");
  check_mpi(MPI_Barrier(impl_->comm), "MPI_Barrier");
}

namespace {

template <class T>
void all_reduce(MPI_Comm comm, std::span<T> values, MPI_Datatype type, MPI_Op op) {
  InCollective mark("MPI_Allreduce");
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, values.data(), narrow<int>(values.size()), type, op, comm),
            "MPI_Allreduce");
}

}  // namespace

// An all-reduce moves at least 2(P−1)/P of its size a rank: that is what bytes_sent counts for it.
#define NCF_ALL_REDUCE(NAME, T, TYPE, OP)                                                          \
  void Communicator::NAME(std::span<T> values) {                                                   \
    if (size_ == 1) return;                                                                        \
    all_reduce(impl_->comm, values, TYPE, OP);                                                     \
    bytes_sent_ +=                                                                                 \
        2 * values.size_bytes() * static_cast<uint64_t>(size_ - 1) / static_cast<uint64_t>(size_); \
  }
NCF_ALL_REDUCE(all_reduce_sum, float, MPI_FLOAT, MPI_SUM)
NCF_ALL_REDUCE(all_reduce_sum, double, MPI_DOUBLE, MPI_SUM)
NCF_ALL_REDUCE(all_reduce_sum, int64_t, MPI_INT64_T, MPI_SUM)
NCF_ALL_REDUCE(all_reduce_sum, uint64_t, MPI_UINT64_T, MPI_SUM)
NCF_ALL_REDUCE(all_reduce_max, int64_t, MPI_INT64_T, MPI_MAX)
NCF_ALL_REDUCE(all_reduce_max, double, MPI_DOUBLE, MPI_MAX)
NCF_ALL_REDUCE(all_reduce_min, int64_t, MPI_INT64_T, MPI_MIN)
#undef NCF_ALL_REDUCE

int64_t Communicator::exclusive_sum(int64_t value) {
  if (size_ == 1) return 0;
  InCollective mark("MPI_Exscan");
  int64_t before = 0;
  check_mpi(MPI_Exscan(&value, &before, 1, MPI_INT64_T, MPI_SUM, impl_->comm), "MPI_Exscan");
  bytes_sent_ += sizeof value;
  return rank_ == 0 ? 0 : before;  // MPI leaves rank 0's undefined
}

void Communicator::broadcast_bytes(void* data, std::size_t bytes, int root) {
  if (size_ == 1) return;
  InCollective mark("MPI_Bcast");
  constexpr std::size_t chunk = std::size_t{1} << 30;
  for (std::size_t at = 0; at < bytes || at == 0; at += chunk)
    check_mpi(MPI_Bcast(static_cast<char*>(data) + at, narrow<int>(std::min(chunk, bytes - at)), MPI_BYTE,
                        root, impl_->comm),
              "MPI_Bcast");
  if (rank_ == root) bytes_sent_ += bytes * static_cast<uint64_t>(size_ - 1);
}

std::string Communicator::broadcast(std::string text, int root) {
  auto length = static_cast<int64_t>(text.size());
  broadcast(std::span(&length, 1), root);
  text.resize(static_cast<std::size_t>(length));
  broadcast(std::span(text.data(), text.size()), root);
  return text;
}

void Communicator::all_gather_bytes(const void* mine, std::size_t count, void* all, std::size_t size_of) {
  if (size_ == 1) {
    if (count != 0) std::memcpy(all, mine, count * size_of);
    return;
  }
  InCollective mark("MPI_Allgather");
  const MPI_Datatype type = impl_->type(size_of);
  check_mpi(MPI_Allgather(mine, narrow<int>(count), type, all, narrow<int>(count), type, impl_->comm),
            "MPI_Allgather");
  bytes_sent_ += count * size_of * static_cast<uint64_t>(size_ - 1);
}

std::vector<int64_t> Communicator::all_gather_offsets(std::size_t count) {
  std::vector<int64_t> offsets(1, 0);
  for (int64_t c : all_gather(static_cast<int64_t>(count))) offsets.push_back(offsets.back() + c);
  return offsets;
}

void Communicator::all_gather_v_bytes(const void* mine, std::size_t count, void* all,
                                      const std::vector<int64_t>& offsets, std::size_t size_of) {
  if (size_ == 1) {
    if (count != 0) std::memcpy(all, mine, count * size_of);
    return;
  }
  InCollective mark("MPI_Allgatherv");
  std::vector<int> counts, at;
  for (std::size_t r = 0; r + 1 < offsets.size(); ++r) {
    counts.push_back(narrow<int>(offsets[r + 1] - offsets[r]));
    at.push_back(narrow<int>(offsets[r]));
  }
  const MPI_Datatype type = impl_->type(size_of);
  check_mpi(MPI_Allgatherv(mine, narrow<int>(count), type, all, counts.data(), at.data(), type, impl_->comm),
            "MPI_Allgatherv");
  bytes_sent_ += count * size_of * static_cast<uint64_t>(size_ - 1);
}

std::vector<std::string> Communicator::all_gather(const std::string& mine) {
  const auto all = all_gather_v(std::span<const char>(mine.data(), mine.size()));
  std::vector<std::string> out;
  for (std::size_t r = 0; r + 1 < all.offsets.size(); ++r)
    out.emplace_back(all.values.data() + all.offsets[r],
                     static_cast<std::size_t>(all.offsets[r + 1] - all.offsets[r]));
  return out;
}

void Communicator::all_to_all_bytes(const void* send, void* receive, std::size_t block, std::size_t size_of) {
  if (size_ == 1) {
    if (block != 0) std::memcpy(receive, send, block * size_of);
    return;
  }
  InCollective mark("MPI_Alltoall");
  const MPI_Datatype type = impl_->type(size_of);
  check_mpi(MPI_Alltoall(send, narrow<int>(block), type, receive, narrow<int>(block), type, impl_->comm),
            "MPI_Alltoall");
  bytes_sent_ += block * size_of * static_cast<uint64_t>(size_ - 1);
}

void Communicator::all_to_all_v_bytes(const void* send, std::span<const int64_t> send_counts, void* receive,
                                      std::span<const int64_t> receive_counts, std::size_t size_of) {
  const auto self = static_cast<std::size_t>(rank_);
  auto& [comm, types, sc, so, rc, ro] = *impl_;
  std::size_t send_at = 0, receive_at = 0, total_sent = 0;
  sc.clear(), so.clear(), rc.clear(), ro.clear();
  std::size_t self_send = 0, self_receive = 0;
  for (std::size_t r = 0; r < send_counts.size(); ++r) {
    if (r == self) self_send = send_at, self_receive = receive_at;
    // One's own part is copied below: it never enters MPI.
    sc.push_back(r == self ? 0 : narrow<int>(send_counts[r]));
    rc.push_back(r == self ? 0 : narrow<int>(receive_counts[r]));
    so.push_back(narrow<int>(send_at));
    ro.push_back(narrow<int>(receive_at));
    if (r != self) total_sent += static_cast<std::size_t>(send_counts[r]);
    send_at += static_cast<std::size_t>(send_counts[r]);
    receive_at += static_cast<std::size_t>(receive_counts[r]);
  }
  if (send_counts[self] != 0)
    std::memcpy(static_cast<char*>(receive) + self_receive * size_of,
                static_cast<const char*>(send) + self_send * size_of,
                static_cast<std::size_t>(send_counts[self]) * size_of);
  if (size_ == 1) return;
  InCollective mark("MPI_Alltoallv");
  const MPI_Datatype type = impl_->type(size_of);
  check_mpi(MPI_Alltoallv(send, sc.data(), so.data(), type, receive, rc.data(), ro.data(), type, comm),
            "MPI_Alltoallv");
  bytes_sent_ += total_sent * size_of;
}

void Communicator::abort(int exit_code) {
  std::fflush(nullptr);
  MPI_Abort(impl_->comm, exit_code);
  std::_Exit(exit_code);
}

}  // namespace ncf
