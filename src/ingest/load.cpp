#include "ncf/ingest/load.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "ncf/comm/agreement.hpp"
#include "ncf/data/dataset_file.hpp"
#include "ncf/data/line_reader.hpp"
#include "ncf/data/part_builder.hpp"
#include "ncf/data/ratings_source.hpp"
#include "ncf/data/raw_ratings.hpp"
#include "ncf/data/synthetic.hpp"
#include "ncf/data/text_layout.hpp"
#include "ncf/data/user_ranges.hpp"
#include "ncf/ingest/vocabulary_union.hpp"
#include "ncf/util/log.hpp"

namespace ncf {
namespace {

/// What this rank has read: ratings with its own numbering of ids.
struct Share {
  IdSet users;
  IdSet items;
  std::vector<RawRating> ratings;
  bool with_times = false;
};

constexpr int64_t nothing_wrong = std::numeric_limits<int64_t>::max();

/// Reports what is wrong with the data, not with a rank: the message is that of the rank whose `order` is
/// lowest (no two are equal but nothing_wrong), and does not name it. Collective.
void fail_together(Communicator& comm, int64_t order, const std::function<Error()>& error) {
  int64_t lowest = order;
  comm.all_reduce_min(std::span(&lowest, 1));
  if (lowest == nothing_wrong) return;
  const bool mine = order == lowest;
  const std::string text = agreed(comm, [&] { return mine ? std::string(error().what()) : std::string(); });
  const auto speaker = comm.max(int64_t{mine ? comm.rank() : 0});
  throw Error(ErrorKind::data, comm.broadcast(text, static_cast<int>(speaker)), true);
}

/// Reads this rank's share of one file. Collective.
void read_file(const std::string& path, const TextLayout& layout, bool valid, Communicator& comm,
               Share& share) {
  const int64_t before = std::ssize(share.ratings);
  const auto bad = agreed(comm, [&] {
    return read_ratings(path, layout, {comm.rank(), comm.size()}, valid, share.users, share.items,
                        share.ratings);
  });
  fail_together(comm, bad ? static_cast<int64_t>(bad->place) : nothing_wrong, [&] {
    return malformed_line(path, line_number_at(path, bad->place), bad->text, bad->problem);
  });
  if (comm.sum(std::ssize(share.ratings) - before) == 0)
    throw Error(ErrorKind::data, path + ": holds no ratings, only a header", true);
}

/// Reads this rank's share of all files. Collective.
Share read_share(const RatingsSource& source, const DataConfig& config, Communicator& comm) {
  Share share;
  const auto layout = agreed(comm, [&] { return read_layout(source.ratings, source.format, config.csv); });
  share.with_times = layout.line.time >= 0;
  read_file(source.ratings, layout, false, comm, share);
  if (source.valid.empty()) return share;
  const auto valid_layout = agreed(comm, [&] {
    const TextLayout found = read_layout(source.valid, source.format, config.csv);
    if ((found.line.time >= 0) != share.with_times)
      throw Error(ErrorKind::data, source.valid + ": has " + (share.with_times ? "no times" : "times") +
                                       ", but " + source.ratings + " has " +
                                       (share.with_times ? "some" : "none"));
    return found;
  });
  read_file(source.valid, valid_layout, true, comm, share);
  return share;
}

void renumber(Share& share, const Dataset& dataset) {
  const std::vector<int32_t> user = share.users.indices_in(dataset.users);
  const std::vector<int32_t> item = share.items.indices_in(dataset.items);
  for (RawRating& r : share.ratings) {
    r.user = user[static_cast<std::size_t>(r.user)];
    r.item = item[static_cast<std::size_t>(r.item)];
  }
}

/// The bounds of every rank's users. Collective.
std::vector<int64_t> shared_ranges(const std::vector<RawRating>& ratings, int64_t users, Communicator& comm) {
  std::vector<int64_t> counts(static_cast<std::size_t>(users));
  for (const RawRating& r : ratings) ++counts[static_cast<std::size_t>(r.user)];
  comm.all_reduce_sum(std::span<int64_t>(counts));
  return user_ranges(counts, comm.size());
}

/// The ratings of this rank's users, from all ranks. Collective.
std::vector<RawRating> to_owners(std::vector<RawRating> ratings, const std::vector<int64_t>& bounds,
                                 Communicator& comm) {
  if (comm.size() == 1) return ratings;
  const auto owner = [&](const RawRating& r) {  // the last range that begins at or before the user
    return static_cast<std::size_t>(std::upper_bound(bounds.begin(), bounds.end(), r.user) - bounds.begin() -
                                    1);
  };
  std::vector<int64_t> counts(static_cast<std::size_t>(comm.size())), next(counts.size());
  for (const RawRating& r : ratings) ++counts[owner(r)];
  for (std::size_t r = 1; r < next.size(); ++r) next[r] = next[r - 1] + counts[r - 1];
  std::vector<RawRating> send(ratings.size());
  for (const RawRating& r : ratings) send[static_cast<std::size_t>(next[owner(r)]++)] = r;
  ratings = {};
  return comm.all_to_all_v(std::span<const RawRating>(send), std::span<const int64_t>(counts)).values;
}

Error repeated_pair(const BuiltPart& built, const RatingsSource& source, const Dataset& dataset) {
  const auto& [one, other] = *built.repeat;
  const std::string& path = one.valid ? source.valid : source.ratings;
  return {ErrorKind::data, path + ":" + std::to_string(line_number_at(path, other.place)) +
                               ": repeats user " + in_quotes(dataset.users.text(one.user)) + ", item " +
                               in_quotes(dataset.items.text(one.item)) + " of line " +
                               std::to_string(line_number_at(path, one.place)) +
                               "; data.duplicates: last, first or mean would merge them"};
}

void warn_of_merged(const Dataset& dataset, int64_t in_both, Duplicates duplicates) {
  if (dataset.repeated_pairs > 0)
    log_warning(dataset.source + ": " + std::to_string(dataset.repeated_pairs) +
                " ratings repeat a (user, item) pair; kept: " + std::string(name_of(duplicates)) +
                " (data.duplicates)");
  if (in_both > 0)
    log_warning(dataset.source + ": " + std::to_string(in_both) +
                " pairs are also in the validation file; they only validate");
}

Dataset load_text(const RatingsSource& source, const DataConfig& config, bool keep_times,
                  Communicator& comm) {
  Share share = read_share(source, config, comm);
  Dataset dataset;
  dataset.source = config.path;
  dataset.from_text = true;
  dataset.users = vocabulary_union(share.users, comm);
  dataset.items = vocabulary_union(share.items, comm);
  renumber(share, dataset);
  const auto bounds = shared_ranges(share.ratings, dataset.users.size(), comm);
  auto mine = to_owners(std::move(share.ratings), bounds, comm);
  BuiltPart built = agreed(comm, [&] {
    const auto rank = static_cast<std::size_t>(comm.rank());
    return build_part(std::move(mine), bounds[rank], bounds[rank + 1], config.duplicates,
                      keep_times && share.with_times, !source.valid.empty());
  });
  fail_together(comm, built.repeat ? comm.rank() : nothing_wrong,
                [&] { return repeated_pair(built, source, dataset); });
  dataset.part = std::move(built.part);
  dataset.part.first_row = comm.exclusive_sum(dataset.part.rows());
  dataset.total_rows = comm.sum(dataset.part.rows());
  dataset.repeated_pairs = comm.sum(built.repeated);
  const int64_t in_both = comm.sum(built.in_both);
  if (comm.is_root()) warn_of_merged(dataset, in_both, config.duplicates);
  return dataset;
}

}  // namespace

Dataset load_dataset(const DataConfig& config, uint64_t seed, Communicator& comm, Times times) {
  const bool keep_times = times == Times::keep || config.split == SplitKind::leave_one_out;
  if (config.path.empty())
    return agreed(comm, [&] {
      return synthetic_dataset(config.synthetic, seed, {comm.rank(), comm.size()}, keep_times);
    });
  const RatingsSource source = agreed(comm, [&] { return find_ratings(config); });
  if (source.format == DataFormat::hdf5)
    return agreed(comm, [&] {
      return read_dataset_file(source.ratings, {comm.rank(), comm.size()},
                               {.times = keep_times, .valid = true});
    });
  return load_text(source, config, keep_times, comm);
}

}  // namespace ncf
