#include "ncf/checkpoint/table_datasets.hpp"

#include "ncf/checkpoint/layout.hpp"

namespace ncf {

std::vector<TableDataset> float_datasets(const TableView& table, const MomentNames& moments) {
  const std::string gmf = "/gmf/" + table.name + "/", embedding = "/embedding/" + table.name + "/";
  std::vector<TableDataset> out;
  const auto add = [&](const MatrixView& all, const std::string& weight, const std::string& bias) {
    if (all.cols == 0) return;
    if (table.gmf_width > 0) out.push_back({gmf + weight, all.cols_from(0, table.gmf_width), false});
    if (table.width > 0)
      out.push_back({embedding + weight, all.cols_from(table.gmf_width, table.width), false});
    if (table.has_bias) out.push_back({embedding + bias, all.cols_from(table.cols() - 1, 1), true});
  };
  add(table.weight, "weight", "bias");
  add(table.first_moment, moments.first, "bias_" + moments.first);
  add(table.second_moment, moments.second, "bias_" + moments.second);
  return out;
}

std::string last_step_name(const TableView& table) {
  return (table.width > 0 ? "/embedding/" : "/gmf/") + table.name + "/last_step";
}

std::vector<DenseDataset> dense_datasets(const DenseView& dense, const MomentNames& moments) {
  std::vector<DenseDataset> out = {{dense.path, dense.value}};
  if (!dense.first_moment.empty()) out.push_back({dense.path + "_" + moments.first, dense.first_moment});
  if (!dense.second_moment.empty()) out.push_back({dense.path + "_" + moments.second, dense.second_moment});
  return out;
}

void check_views(const std::vector<TableView>& tables, int64_t rank, int64_t world) {
  for (const auto& table : tables) {
    const int64_t rows = local_rows(table.total_rows, rank, world);
    const int64_t cols = table.cols();
    const auto fits = [&](const MatrixView& view) { return view.cols == cols && view.rows == rows; };
    const auto absent = [](const MatrixView& view) { return view.cols == 0; };
    if (!fits(table.weight) || !(absent(table.first_moment) || fits(table.first_moment)) ||
        !(absent(table.second_moment) || fits(table.second_moment)) ||
        (table.last_step && std::ssize(*table.last_step) != rows))
      throw Error(ErrorKind::internal, "the view of table " + table.name + " does not have this rank's " +
                                           to_string(Shape{rows, cols}) + " values");
  }
}

}  // namespace ncf
