#include "ncf/checkpoint/held_snapshot.hpp"

#include <algorithm>

#include "ncf/checkpoint/table_datasets.hpp"
#include "ncf/util/finite.hpp"

namespace ncf {
namespace {

bool finite(ConstMatrixView m) {
  for (int64_t r = 0; r < m.rows; ++r)
    if (!all_finite({m.row(r), static_cast<std::size_t>(m.cols)})) return false;
  return true;
}

}  // namespace

void HeldSnapshot::hold(const Snapshot& snapshot) {
  snapshot_ = snapshot;
  std::size_t next = 0;
  steps_.resize(snapshot.tables.size());
  const auto room = [&](int64_t values) {
    if (next == floats_.size()) floats_.emplace_back();
    AlignedVector<float>& held = floats_[next++];
    held.resize(static_cast<std::size_t>(values));
    return held.data();
  };
  const auto hold_matrix = [&](MatrixView& view) {
    const MatrixView from = view;
    view = {room(from.rows * from.cols), from.rows, from.cols};
    for (int64_t r = 0; r < from.rows; ++r) std::copy_n(from.row(r), from.cols, view.row(r));
  };
  const auto hold_span = [&](std::span<float>& span) {
    float* to = room(static_cast<int64_t>(span.size()));
    std::ranges::copy(span, to);
    span = {to, span.size()};
  };
  for (std::size_t t = 0; t < snapshot_.tables.size(); ++t) {
    TableView& table = snapshot_.tables[t];
    for (MatrixView* view : {&table.weight, &table.first_moment, &table.second_moment}) hold_matrix(*view);
    if (!table.last_step) continue;
    steps_[t].assign(table.last_step->begin(), table.last_step->end());
    table.last_step = steps_[t];
  }
  for (DenseView& dense : snapshot_.dense)
    for (std::span<float>* span : {&dense.value, &dense.first_moment, &dense.second_moment}) hold_span(*span);
}

int64_t HeldSnapshot::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& v : floats_) bytes += v.capacity() * sizeof(float);
  for (const auto& v : steps_) bytes += v.capacity() * sizeof(int64_t);
  return static_cast<int64_t>(bytes);
}

std::string first_not_finite(const Snapshot& snapshot) {
  for (const DenseView& dense : snapshot.dense)
    for (const DenseDataset& d : dense_datasets(dense, snapshot.moments))
      if (!all_finite(d.values)) return d.name;
  for (const TableView& table : snapshot.tables)
    for (const TableDataset& d : float_datasets(table, snapshot.moments))
      if (!finite(d.view)) return d.name;
  return {};
}

}  // namespace ncf
