#pragma once
/// Which datasets a table or a dense parameter makes: the one list that writing shards, joining them and
/// reading them go by.

#include <string>
#include <vector>

#include "ncf/checkpoint/snapshot.hpp"
#include "ncf/io/hdf5.hpp"

namespace ncf {

/// Some columns of a table: [local rows × cols], or [local rows] for the bias.
struct TableDataset {
  std::string name;
  MatrixView view;
  bool one_dimension = false;
};

/// Weights, bias and moments, as far as the table has them.
std::vector<TableDataset> float_datasets(const TableView& table, const MomentNames& moments);
std::string last_step_name(const TableView& table);

struct DenseDataset {
  std::string name;
  std::span<float> values;
};
std::vector<DenseDataset> dense_datasets(const DenseView& dense, const MomentNames& moments);

/// The view of every table fits its rows and columns and this rank's share of them; Error{internal}
/// otherwise.
void check_views(const std::vector<TableView>& tables, int64_t rank, int64_t world);

}  // namespace ncf
