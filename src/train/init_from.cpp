#include "ncf/train/init_from.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ncf/checkpoint/choose.hpp"
#include "ncf/checkpoint/layout.hpp"
#include "ncf/checkpoint/read.hpp"
#include "ncf/checkpoint/table_datasets.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/config/config.hpp"
#include "ncf/io/hdf5.hpp"
#include "ncf/train/learner_views.hpp"

namespace ncf {
namespace {

/// A local row and the row of the checkpoint it comes from.
struct Origin {
  int64_t there, here;
};

/// The rows of this rank that the checkpoint knows, in its order.
std::vector<Origin> origins(const Vocabulary& ids, const Vocabulary& known, const RowTable& table,
                            int64_t rank, int64_t world) {
  std::vector<Origin> out;
  for (int64_t l = 0; l < table.local_rows(); ++l) {
    const int64_t row = l * world + rank;
    if (row == 0) {
      out.push_back({0, l});
    } else if (const int64_t found = known.find(ids.text(row - 1)); found >= 0) {
      out.push_back({found + 1, l});
    }
  }
  std::ranges::sort(out, {}, &Origin::there);
  return out;
}

void expect_shape(const Hdf5File& file, const std::string& name, const Shape& expected) {
  const Shape found = file.has(name) ? file.shape(name) : Shape{};
  const bool fits = found.size() == expected.size() &&
                    std::ranges::equal(found, expected, [](int64_t f, int64_t e) { return e < 0 || f == e; });
  if (fits) return;
  throw Error(ErrorKind::checkpoint,
              file.path() + ": " + name + " is " + (found.empty() ? "absent" : to_string(found)) +
                  ", the model has " +
                  (expected[0] < 0 ? "rows of " + std::to_string(expected.back()) : to_string(expected)));
}

/// Reads the joined view block by block and keeps the rows asked for: no rank holds more of it than a block.
void take_rows(const Hdf5File& file, const std::string& name, std::span<const Origin> rows, MatrixView into) {
  constexpr int64_t block = 1 << 14;
  const int64_t total = file.shape(name).at(0);
  Matrix values;
  for (std::size_t k = 0; k < rows.size();) {
    const int64_t first = rows[k].there / block * block;
    const int64_t count = std::min(block, total - first);
    values.reshape(count, into.cols);
    file.read_rows<float>(name, first, 1, values.view());
    for (; k < rows.size() && rows[k].there < first + count; ++k)
      std::copy_n(values.row(rows[k].there - first), into.cols, into.row(rows[k].here));
  }
}

int64_t take_table(const Hdf5File& file, const std::string& directory, const Vocabulary& ids, RowTable& table,
                   int64_t rank, int64_t world) {
  const std::vector<TableDataset> datasets = float_datasets(weights_view(table), {});
  for (const TableDataset& d : datasets)
    expect_shape(file, d.name, d.one_dimension ? Shape{-1} : Shape{-1, d.view.cols});
  const auto rows = origins(ids, read_vocabulary(directory, table.shape().name), table, rank, world);
  for (const TableDataset& d : datasets) take_rows(file, d.name, rows, d.view);
  return static_cast<int64_t>(rows.size());
}

void take_dense(const Hdf5File& file, DenseParameters& dense) {
  for (std::size_t s = 0; s < dense.segments().size(); ++s) {
    const Segment& segment = dense.segments()[s];
    expect_shape(file, segment.path, segment.shape);
    file.read<float>(segment.path, segment.shape, dense.value(s));
  }
}

}  // namespace

std::string init_from(Communicator& comm, const std::string& path, const TrainingData& data,
                      Learner& learner) {
  const std::string directory = choose_checkpoint(comm, path).path;
  std::array<int64_t, 2> taken{};
  agree(comm, [&] {
    const auto file = Hdf5File::open(directory + "/" + model_name, ErrorKind::checkpoint);
    take_dense(file, learner.dense());
    for (std::size_t t = 0; t < 2; ++t)
      taken[t] = take_table(file, directory, t == 0 ? data.users : data.items, learner.tables()[t],
                            comm.rank(), comm.size());
  });
  comm.all_reduce_sum(std::span<int64_t>(taken));
  return fmt::format("weights of {}: {} of {} users and {} of {} items known there", directory, taken[0] - 1,
                     data.users.size(), taken[1] - 1, data.items.size());
}

}  // namespace ncf
