#include "ncf/checkpoint/write.hpp"

#include <filesystem>
#include <limits>
#include <sstream>

#include "ncf/checkpoint/layout.hpp"
#include "ncf/checkpoint/table_datasets.hpp"
#include "ncf/comm/agreement.hpp"
#include "ncf/io/digest.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/io/hdf5.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;
constexpr auto kind = ErrorKind::checkpoint;

void write_shard(const std::string& path, int64_t rank, int64_t world, const Snapshot& snapshot) {
  auto file = Hdf5File::create(path, kind);
  file.set_attribute<int64_t>("format_version", checkpoint_format_version);
  file.set_attribute<int64_t>("rank", rank);
  file.set_attribute<int64_t>("ranks", world);
  file.set_attribute<int64_t>("step", snapshot.progress.step);
  file.set_attribute<uint64_t>("seed", snapshot.seed);
  for (const auto& table : snapshot.tables) {
    for (const auto& dataset : float_datasets(table, snapshot.moments))
      file.write_matrix<float>(dataset.name, dataset.view, dataset.one_dimension);
    if (table.last_step)
      file.write<int64_t>(last_step_name(table), *table.last_step, {std::ssize(*table.last_step)});
  }
  file.close();
}

/// Where the rows of a dataset are: shard s holds the rows s, s + world, …
std::vector<VirtualPart> parts_of(const std::string& name, int64_t total_rows, int64_t world) {
  std::vector<VirtualPart> parts;
  for (int64_t shard = 0; shard < world; ++shard)
    parts.push_back({shard_name(shard, world), name, shard, world, local_rows(total_rows, shard, world)});
  return parts;
}

void write_attributes(Hdf5File& file, int64_t world, const Snapshot& snapshot) {
  file.set_attribute<int64_t>("format_version", checkpoint_format_version);
  file.set_attribute<int64_t>("step", snapshot.progress.step);
  file.set_attribute<int64_t>("epoch", snapshot.progress.epoch);
  file.set_attribute<int64_t>("step_in_epoch", snapshot.progress.step_in_epoch);
  file.set_attribute<uint64_t>("seed", snapshot.seed);
  file.set_attribute<int64_t>("ranks", world);
  file.set_attribute("config", snapshot.config_yaml);
  file.set_attribute("ncf_dist_version", snapshot.program_version);
}

void write_ids(Hdf5File& file, const std::string& name, const Vocabulary& vocabulary) {
  if (vocabulary.integers())
    file.write<int64_t>(name, std::get<0>(vocabulary.ids));
  else
    file.write_strings(name, std::get<1>(vocabulary.ids));
}

/// The joined view. A value of a shard that is not there reads as NaN, a step as -1.
void write_model(const std::string& path, int64_t world, const Snapshot& snapshot) {
  auto file = Hdf5File::create(path, kind);
  write_attributes(file, world, snapshot);
  if (snapshot.users != nullptr) write_ids(file, "/vocabulary/user", *snapshot.users);
  if (snapshot.items != nullptr) write_ids(file, "/vocabulary/item", *snapshot.items);
  for (const auto& table : snapshot.tables) {
    for (const auto& dataset : float_datasets(table, snapshot.moments)) {
      const Shape shape =
          dataset.one_dimension ? Shape{table.total_rows} : Shape{table.total_rows, dataset.view.cols};
      file.write_virtual<float>(dataset.name, shape, parts_of(dataset.name, table.total_rows, world),
                                std::numeric_limits<float>::quiet_NaN());
    }
    if (table.last_step)
      file.write_virtual<int64_t>(last_step_name(table), {table.total_rows},
                                  parts_of(last_step_name(table), table.total_rows, world), -1);
  }
  for (const auto& dense : snapshot.dense)
    for (const auto& dataset : dense_datasets(dense, snapshot.moments))
      file.write<float>(dataset.name, dataset.values, dense.shape);
  file.close();
}

FileRecord record_of(const std::string& directory, const std::string& name) {
  const auto found = digest_file(directory + "/" + name, kind);
  return {name, found.bytes, found.digest};
}

std::string to_text(const std::vector<FileRecord>& files) {
  std::string text;
  for (const auto& file : files)
    text += file.name + " " + std::to_string(file.bytes) + " " + file.digest + "\n";
  return text;
}

void append_from_text(const std::string& text, std::vector<FileRecord>& files) {
  std::istringstream in(text);
  for (FileRecord file; in >> file.name >> file.bytes >> file.digest;) files.push_back(file);
}

Manifest manifest_of(const Snapshot& snapshot, int64_t world, std::vector<FileRecord> files) {
  Manifest manifest{.progress = snapshot.progress,
                    .seed = snapshot.seed,
                    .ranks = world,
                    .program_version = snapshot.program_version,
                    .moments = snapshot.moments,
                    .extra = snapshot.extra,
                    .extra_text = snapshot.extra_text,
                    .tables = {},
                    .files = std::move(files)};
  for (const auto& table : snapshot.tables)
    manifest.tables.push_back({table.name, table.total_rows, table.width, table.has_bias, table.gmf_width});
  return manifest;
}

}  // namespace

std::string begin_checkpoint(Communicator& comm, const std::string& checkpoints, int64_t step) {
  const std::string partial = partial_path(checkpoints + "/" + checkpoint_name(step));
  agree(comm, [&] {
    if (!comm.is_root()) return;
    make_directories(checkpoints, kind);
    make_empty_directory(partial, kind);
  });
  agree(comm, [&] {
    if (!fs::is_directory(partial))
      throw Error(kind,
                  "cannot see " + partial +
                      ", which rank 0 has made: checkpoints must be on a file system that all nodes share");
  });
  return partial;
}

std::vector<FileRecord> write_pieces(const std::string& partial, int64_t rank, int64_t world,
                                     const Snapshot& snapshot) {
  check_views(snapshot.tables, rank, world);
  const std::string shard = shard_name(rank, world);
  try {
    write_shard(partial + "/" + shard, rank, world, snapshot);
    std::vector<FileRecord> files = {record_of(partial, shard)};
    if (rank == 0) {
      write_model(partial + "/" + model_name, world, snapshot);
      files.push_back(record_of(partial, model_name));
    }
    return files;
  } catch (...) {
    std::error_code ignored;  // the first failure is the one to report
    fs::remove(partial + "/" + shard, ignored);
    if (rank == 0) fs::remove(partial + "/" + model_name, ignored);
    throw;
  }
}

Manifest join_pieces(Communicator& comm, const Snapshot& snapshot, const std::vector<FileRecord>& mine) {
  std::vector<FileRecord> files;
  for (const auto& text : comm.all_gather(to_text(mine))) append_from_text(text, files);
  return manifest_of(snapshot, comm.size(), std::move(files));
}

WrittenCheckpoint commit_checkpoint(const std::string& partial, const Manifest& manifest) {
  const fs::path checkpoints = fs::path(partial).parent_path();
  const std::string name = checkpoint_name(manifest.progress.step);
  check_sizes(partial, manifest);
  write_file(partial + "/" + manifest_name, manifest_text(manifest), kind);
  sync_path(partial, kind);
  replace(partial, checkpoints / name, kind);
  replace_link(name, checkpoints / "latest", kind);
  return {checkpoints / name, manifest.bytes()};
}

void abandon_checkpoint(Communicator& comm, const std::string& partial) {
  comm.barrier();  // nobody writes into it any more
  std::error_code ignored;
  if (comm.is_root()) fs::remove_all(partial, ignored);
}

WrittenCheckpoint write_checkpoint(Communicator& comm, const std::string& checkpoints,
                                   const Snapshot& snapshot) {
  const std::string partial = begin_checkpoint(comm, checkpoints, snapshot.progress.step);
  try {
    const auto mine = agreed(comm, [&] { return write_pieces(partial, comm.rank(), comm.size(), snapshot); });
    const Manifest manifest = join_pieces(comm, snapshot, mine);
    agree(comm, [&] {
      if (comm.is_root()) commit_checkpoint(partial, manifest);
    });
    return {checkpoints + "/" + checkpoint_name(snapshot.progress.step), manifest.bytes()};
  } catch (const Error& e) {
    if (e.agreed()) abandon_checkpoint(comm, partial);
    throw;
  }
}

}  // namespace ncf
