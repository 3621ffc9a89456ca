#include "ncf/checkpoint/read.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/checkpoint/table_datasets.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/io/hdf5.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;

std::string describe(int64_t rows, int64_t width, bool has_bias, int64_t gmf_width) {
  return std::to_string(rows) + " rows of " + std::to_string(width) + (has_bias ? " and a bias" : "") +
         (gmf_width > 0 ? " and " + std::to_string(gmf_width) + " of gmf" : "");
}

/// What the views ask for is what the checkpoint has, as far as the manifest tells.
void check_request(const std::string& directory, const Manifest& manifest, const MomentNames& moments,
                   const std::vector<TableView>& tables, const std::vector<DenseView>& dense) {
  const auto wrong = [&](const std::string& message) { return Error(kind, directory + ": " + message); };
  for (const auto& table : tables) {
    const auto found = std::ranges::find(manifest.tables, table.name, &TableRecord::name);
    if (found == manifest.tables.end()) throw wrong("has no table " + table.name);
    if (found->rows != table.total_rows || found->width != table.width || found->has_bias != table.has_bias ||
        found->gmf_width != table.gmf_width)
      throw wrong("table " + table.name + " has " +
                  describe(found->rows, found->width, found->has_bias, found->gmf_width) + ", expected " +
                  describe(table.total_rows, table.width, table.has_bias, table.gmf_width));
  }
  const bool wants_moments =
      std::ranges::any_of(tables,
                          [](const auto& t) { return t.first_moment.cols + t.second_moment.cols > 0; }) ||
      std::ranges::any_of(dense,
                          [](const auto& d) { return !d.first_moment.empty() || !d.second_moment.empty(); });
  if (wants_moments && manifest.moments != moments)
    throw wrong("is of another optimizer: it holds \"" + manifest.moments.first + "\" and \"" +
                manifest.moments.second + "\", expected \"" + moments.first + "\" and \"" + moments.second +
                "\"");
}

/// A shard says itself whose it is: a copy under a wrong name is not taken for another.
void check_shard(const Hdf5File& file, int64_t shard, const Manifest& manifest) {
  const auto expect = [&](const char* name, int64_t expected) {
    const auto found = file.attribute<int64_t>(name);
    if (found != expected)
      throw Error(kind, file.path() + ": is of " + name + " " + std::to_string(found) + ", expected " +
                            std::to_string(expected));
  };
  expect("format_version", checkpoint_format_version);
  expect("rank", shard);
  expect("ranks", manifest.ranks);
  expect("step", manifest.progress.step);
}

/// The rows `shared` of a table go where they belong in memory.
void read_table(const Hdf5File& file, const TableView& table, const MomentNames& moments,
                const SharedRows& shared) {
  const auto spread = [&]<class T>(BasicMatrixView<T> view) {
    return BasicMatrixView<T>(view.row(shared.local_first), shared.count, view.cols,
                              view.stride * shared.local_stride);
  };
  for (const auto& dataset : float_datasets(table, moments))
    file.read_rows<float>(dataset.name, shared.shard_first, shared.shard_stride, spread(dataset.view));
  if (table.last_step)
    file.read_rows<int64_t>(
        last_step_name(table), shared.shard_first, shared.shard_stride,
        spread(BasicMatrixView<int64_t>(table.last_step->data(), std::ssize(*table.last_step), 1)));
}

void read_shard(const std::string& directory, const Manifest& manifest, int64_t shard,
                const MomentNames& moments, const std::vector<TableView>& tables, int64_t rank,
                int64_t world) {
  std::vector<SharedRows> shared;
  for (const auto& table : tables)
    shared.push_back(shared_rows(table.total_rows, rank, world, shard, manifest.ranks));
  if (std::ranges::none_of(shared, [](const SharedRows& s) { return s.count > 0; })) return;
  const auto file = Hdf5File::open(directory + "/" + shard_name(shard, manifest.ranks), kind);
  check_shard(file, shard, manifest);
  for (std::size_t t = 0; t < tables.size(); ++t)
    if (shared[t].count > 0) read_table(file, tables[t], moments, shared[t]);
}

void read_dense(const std::string& directory, const MomentNames& moments,
                const std::vector<DenseView>& dense) {
  if (dense.empty()) return;
  const auto file = Hdf5File::open(directory + "/" + model_name, kind);
  for (const auto& parameter : dense)
    for (const auto& dataset : dense_datasets(parameter, moments))
      file.read<float>(dataset.name, parameter.shape, dataset.values);
}

}  // namespace

std::vector<FoundCheckpoint> find_checkpoints(const std::string& checkpoints) {
  std::vector<FoundCheckpoint> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoints, error))
    if (const auto step = checkpoint_step(entry.path().filename()))
      found.push_back({entry.path(), *step, ""});
  if (error && error != std::errc::no_such_file_or_directory)
    throw_system_error(kind, "read", checkpoints, error.value());
  std::ranges::sort(found, std::greater{}, &FoundCheckpoint::step);
  for (auto& checkpoint : found) try {
      const Manifest manifest = read_manifest(checkpoint.path);
      if (manifest.progress.step != checkpoint.step)
        throw Error(kind, checkpoint.path + ": is the checkpoint of step " +
                              std::to_string(manifest.progress.step) + " under another name");
      check_sizes(checkpoint.path, manifest);
    } catch (const Error& e) {
      checkpoint.problem = e.what();
    }
  return found;
}

Manifest open_checkpoint(Communicator& comm, const std::string& directory, Verify verify) {
  const std::string path = directory + "/" + manifest_name;
  std::string text;
  agree(comm, [&] {
    if (!comm.is_root()) return;
    if (!fs::is_directory(directory))
      throw Error(kind, directory + ": is not a checkpoint: no such directory");
    text = read_file(path, kind);
  });
  text = comm.broadcast(std::move(text), 0);
  Manifest manifest = agreed(comm, [&] { return parse_manifest(text, path); });
  agree(comm, [&] {
    check_sizes(directory, manifest);
    if (verify != Verify::digests) return;
    for (std::size_t f = 0; f < manifest.files.size(); ++f)
      if (static_cast<int64_t>(f) % comm.size() == comm.rank()) check_digest(directory, manifest.files[f]);
  });
  return manifest;
}

Candidate newest_checkpoint(Communicator& comm, const std::string& checkpoints, Verify verify) {
  // The root's list is everybody's: directories may change while they are looked at.
  std::string list;
  agree(comm, [&] {
    if (!comm.is_root()) return;
    for (const auto& found : find_checkpoints(checkpoints)) list += found.path + "\t" + found.problem + "\n";
  });
  list = comm.broadcast(std::move(list), 0);
  Candidate candidate;
  std::istringstream lines(list);
  for (std::string path, problem; std::getline(lines, path, '\t') && std::getline(lines, problem);) {
    if (problem.empty()) try {
        candidate.manifest = open_checkpoint(comm, path, verify);
        candidate.path = path;
        return candidate;
      } catch (const Error& e) {
        if (!e.agreed() || e.kind() != kind) throw;
        problem = e.what();
      }
    candidate.skipped.push_back(problem);
  }
  return candidate;
}

void read_checkpoint(Communicator& comm, const std::string& directory, const Manifest& manifest,
                     const MomentNames& moments, const std::vector<TableView>& tables,
                     const std::vector<DenseView>& dense) {
  agree(comm, [&] {
    check_views(tables, comm.rank(), comm.size());
    check_request(directory, manifest, moments, tables, dense);
    for (int64_t shard = 0; shard < manifest.ranks; ++shard)
      read_shard(directory, manifest, shard, moments, tables, comm.rank(), comm.size());
    read_dense(directory, moments, dense);
  });
}

std::string read_config_yaml(const std::string& directory) {
  return Hdf5File::open(directory + "/" + model_name, kind).text_attribute("config");
}

Vocabulary read_vocabulary(const std::string& directory, const std::string& side) {
  const auto file = Hdf5File::open(directory + "/" + model_name, kind);
  const std::string name = "/vocabulary/" + side;
  Vocabulary vocabulary;
  if (file.holds_strings(name))
    vocabulary.ids = file.read_strings(name);
  else
    vocabulary.ids = file.read<int64_t>(name);
  return vocabulary;
}

}  // namespace ncf
