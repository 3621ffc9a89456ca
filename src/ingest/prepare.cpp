#include "ncf/ingest/prepare.hpp"

#include <filesystem>
#include <iostream>

#include "ncf/comm/agreement.hpp"
#include "ncf/data/dataset_file.hpp"
#include "ncf/data/side_table.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/io/durable.hpp"
#include "ncf/util/number_text.hpp"

namespace ncf {
namespace {

namespace fs = std::filesystem;

/// Known before the hours of reading, not after.
void check_output(const std::string& output) {
  const auto usage = [&](const std::string& problem) {
    return Error(ErrorKind::usage, "--output " + output + ": " + problem);
  };
  const fs::path path(output);
  if (output.empty() || !path.has_filename()) throw usage("must name a file, such as ratings.h5");
  if (fs::is_directory(path))
    throw usage("is a directory; name a file in it, such as " + (path / "ratings.h5").string());
  if (path.has_parent_path() && !fs::is_directory(path.parent_path()))
    throw usage("there is no directory " + path.parent_path().string());
}

std::string in_words(const SideTable& table) {
  std::string text;
  for (const auto& attribute : table.attributes) text += (text.empty() ? " (" : ", ") + attribute.name;
  return text.empty() ? "" : text + ")";
}

void print_summary(const std::string& output, const Config& config, const SideTables& side) {
  const DatasetFileInfo info = read_dataset_info(output);
  std::cout << output << ": " << grouped(info.users) << " users" << in_words(side.users) << ", "
            << grouped(info.items) << " items" << in_words(side.items) << ", " << grouped(info.ratings)
            << " ratings" << (info.columns.times ? " with times" : "")
            << (info.columns.valid ? ", training and validation part" : "") << "\n";
  if (info.repeated_pairs > 0)
    std::cout << "merged " << grouped(info.repeated_pairs)
              << " repeated pairs (data.duplicates: " << name_of(config.data.duplicates) << ")\n";
  std::cout << grouped(static_cast<int64_t>(fs::file_size(output))) << " bytes, digest " << info.digest
            << "\nto train on it: mpirun -n 8 ncf_dist --data.path " << output
            << (info.columns.valid ? " --data.split given" : "") << std::endl;
}

/// Rank after rank adds its own ratings: none travel, and no rank holds another's. Collective.
void write_all(const std::string& path, const Dataset& dataset, const SideTables& side, Communicator& comm) {
  const RatingColumns columns = {.times = comm.max(std::ssize(dataset.part.times)) > 0,
                                 .valid = comm.max(std::ssize(dataset.part.valid)) > 0};
  agree(comm, [&] {
    if (comm.is_root()) begin_dataset_file(path, dataset, columns, side);
  });
  for (int turn = 0; turn < comm.size(); ++turn)
    agree(comm, [&] {
      if (turn == comm.rank() && dataset.part.users() > 0) add_ratings(path, dataset.part);
    });
  agree(comm, [&] {
    if (comm.is_root()) finish_dataset_file(path);
  });
}

}  // namespace

int prepare(const Config& config, const std::string& output, Communicator& comm) {
  agree(comm, [&] {
    if (comm.is_root()) check_output(output);
  });
  const Dataset dataset = load_dataset(config.data, static_cast<uint64_t>(config.run.seed), comm);
  SideTables side;  // the root's alone
  agree(comm, [&] {
    if (comm.is_root()) side = load_side_tables(config.data, dataset);
  });
  const std::string partial = partial_path(output);
  try {
    write_all(partial, dataset, side, comm);
    agree(comm, [&] {
      if (!comm.is_root()) return;
      replace(partial, output, ErrorKind::data);
      print_summary(output, config, side);
    });
  } catch (const Error&) {
    std::error_code ignored;  // the first failure is the one to report
    if (comm.is_root()) fs::remove(partial, ignored);
    throw;
  }
  return 0;
}

}  // namespace ncf
