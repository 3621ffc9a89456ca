#include "ncf/train/granule_sums.hpp"

#include <algorithm>

namespace ncf {

void GranuleSums::share_memory(Communicator& comm, DenseParameters& parameters) {
  if (granules_.fixed_order) return;
  shared_ = SharedSum::open(comm);
  if (shared_ != nullptr) parameters.keep_gradients_in(shared_->terms(parameters.gradient_values()));
}

void GranuleSums::gradients(Communicator& comm, DenseParameters& parameters) {
  const std::span<float> here = parameters.gradients(0);
  nodes_.clear();
  for (int64_t g = 0; g < granules_.a_rank(); ++g) nodes_.push_back(parameters.gradients(g).data());
  tree_.sum(nodes_, std::ssize(here), here.data());
  if (shared_ != nullptr) {
    const auto [first, second] = shared_->exchange(comm, std::ssize(here));
    return parameters.set_total({first, second});
  }
  if (!granules_.fixed_order)
    comm.all_reduce_sum(here);
  else if (comm.size() > 1)
    sum_slices(comm, here);
  parameters.set_total({here.data(), nullptr});
}

void GranuleSums::sum_slices(Communicator& comm, std::span<float> total) {
  const auto world = static_cast<std::size_t>(comm.size());
  const std::size_t slice = (total.size() + world - 1) / world;
  const auto bound = [&](std::size_t r) { return std::min(total.size(), r * slice); };
  const auto rank = static_cast<std::size_t>(comm.rank());
  const std::size_t mine = bound(rank + 1) - bound(rank);
  std::vector<int64_t> send(world), receive(world, static_cast<int64_t>(mine));
  for (std::size_t r = 0; r < world; ++r) send[r] = static_cast<int64_t>(bound(r + 1) - bound(r));
  received_.resize(world * mine);
  comm.all_to_all_v(std::span<const float>(total), std::span<const int64_t>(send),
                    std::span<float>(received_), std::span<const int64_t>(receive));
  nodes_.assign(world, nullptr);
  for (std::size_t r = 0; r < world; ++r)
    nodes_[static_cast<std::size_t>(granules_.subtree(static_cast<int64_t>(r)))] =
        received_.data() + r * mine;
  slice_.resize(slice);  // the last ranks' slices may be shorter: what follows is not read
  tree_.sum(nodes_, static_cast<int64_t>(mine), slice_.data());
  gathered_.resize(world * slice);
  comm.all_gather(std::span<const float>(slice_), std::span<float>(gathered_));
  std::copy_n(gathered_.data(), total.size(), total.data());
}

void GranuleSums::statistics(Communicator& comm, std::span<const double> parts, std::span<double> total) {
  const auto n = static_cast<int64_t>(total.size());
  const auto sum = [&](const double* from, int64_t count, auto place) {
    double_nodes_.assign(static_cast<std::size_t>(count), nullptr);
    for (int64_t k = 0; k < count; ++k) double_nodes_[static_cast<std::size_t>(place(k))] = from + k * n;
    tree_.sum(double_nodes_, n, total.data());
  };
  sum(parts.data(), granules_.a_rank(), [](int64_t g) { return g; });
  if (!granules_.fixed_order) return comm.all_reduce_sum(total);
  if (comm.size() == 1) return;
  std::vector<double> all(total.size() * static_cast<std::size_t>(comm.size()));
  comm.all_gather(std::span<const double>(total), std::span<double>(all));
  sum(all.data(), comm.size(), [&](int64_t r) { return granules_.subtree(r); });
}

}  // namespace ncf
