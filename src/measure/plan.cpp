#include "ncf/measure/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ncf/comm/agreement.hpp"
#include "ncf/config/threads.hpp"
#include "ncf/embed/shard_map.hpp"
#include "ncf/ingest/load.hpp"
#include "ncf/ingest/samples.hpp"
#include "ncf/measure/step_times.hpp"
#include "ncf/model/model.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/random.hpp"

namespace ncf {
namespace {

/// Rows drawn by their popularity.
class RowDraws {
 public:
  explicit RowDraws(const std::vector<double>& degrees) : cumulative_(degrees.size()) {
    std::partial_sum(degrees.begin(), degrees.end(), cumulative_.begin());
  }
  int64_t draw(double uniform) const {
    const double x = uniform * cumulative_.back();
    return std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, x) - cumulative_.begin();
  }

 private:
  std::vector<double> cumulative_;
};

/// The rows that one rank owns.
std::vector<double> owned_rows(const std::vector<double>& degrees, int64_t world) {
  const ShardMap one{1 % world, world};  // row 0 is nobody
  std::vector<double> out;
  for (int64_t k = 0; k < one.local_rows(std::ssize(degrees)); ++k)
    out.push_back(degrees[static_cast<std::size_t>(one.global(k))]);
  return out;
}

/// Some parts of batches as one rank of many would compute them, users together.
class SampleParts {
 public:
  SampleParts(const RowDraws& users, const RowDraws& items, int64_t user_rows, int64_t item_rows,
              int64_t samples)
      : samples_(samples) {
    const int64_t total = samples * parts;
    for (int64_t k = 0; k < total; ++k) {
      const auto uniform = [&](uint64_t side) {
        return random_uniform(1, Purpose::synthetic, side, static_cast<uint64_t>(k));
      };
      users_.push_back(static_cast<int32_t>(users.draw(uniform(0)) % user_rows));
      items_.push_back(static_cast<int32_t>(items.draw(uniform(1)) % item_rows));
      ratings_.push_back(static_cast<float>(1 + k % 5));
    }
    for (int64_t part = 0; part < parts; ++part)  // items are drawn apart from them
      std::sort(users_.begin() + part * samples, users_.begin() + (part + 1) * samples);
  }
  EpochSamples::Part part(int64_t step, const Granules& granules) const {
    const auto first = static_cast<std::size_t>(step % parts * samples_),
               n = static_cast<std::size_t>(samples_);
    EpochSamples::Part out{std::span(users_).subspan(first, n),
                           std::span(items_).subspan(first, n),
                           std::span(ratings_).subspan(first, n),
                           0,
                           samples_,
                           {}};
    for (int64_t g = 0; g <= granules.count; ++g) out.bounds.push_back(granules.sample(samples_, g));
    return out;
  }

 private:
  static constexpr int64_t parts = 16;
  int64_t samples_;
  std::vector<int32_t> users_, items_;
  std::vector<float> ratings_;
};

/// Rows of a table to measure with: all of them while they fit a modest memory, else a rank's share or what
/// fits, which is past all caches anyway.
int64_t rows_to_measure(const TableWork& table) {
  const int64_t fit = (int64_t{1} << 29) / (12 * table.cols + 8);
  return std::max<int64_t>(1, std::min({table.rows, std::max(fit, table.rows / 64), 4 * fit}));
}

/// Times of a rank's part, measured on every rank of the job at once, alone with itself.
PartTimes measure_part(const Config& config, const StepWork& work, const Popularity& popularity,
                       const PlanRequest& request, Communicator& comm) {
  Config steady = config;  // what is learned is of no interest, and must not diverge
  steady.train.schedule = ScheduleKind::constant;
  steady.train.lr = 1e-5;
  const int64_t samples = (work.batch + work.world - 1) / work.world;
  steady.train.batch_size = samples;
  // The widths are those of the whole tables, whatever is measured with.
  const std::vector<TableShape> whole = table_shapes(config.model, work.tables[0].rows, work.tables[1].rows);
  const auto width = [&](std::size_t t) { return whole[t].width > 0 ? whole[t].width : whole[t].gmf_width; };
  steady.model.embedding_dim = {width(0), width(1)};
  steady.train.first_layer = work.projects ? FirstLayer::rows : FirstLayer::samples;
  const int64_t user_rows = rows_to_measure(work.tables[0]), item_rows = rows_to_measure(work.tables[1]);
  const StepTimes times = agreed(comm, [&] {
    Communicator self = Communicator::self();
    const int64_t threads = agree_on_threads(self, steady);
    const Granules granules = make_granules(steady.train, 1, threads);
    Learner learner(steady, {0, 1}, granules, user_rows, item_rows,
                    make_schedule(steady.train, most_steps, most_steps), threads);
    const RowDraws users(work.deals ? owned_rows(popularity.users, work.world) : popularity.users);
    const SampleParts parts(users, RowDraws(popularity.items), user_rows, item_rows, samples);
    return time_steps(
        self, learner, [&](int64_t step) { return parts.part(step, granules); }, request.seconds);
  });
  const auto mean = [&](Phase phase) { return comm.sum(times.of(phase).median_s) / comm.size(); };
  return {.plan = mean(Phase::plan),
          .gather = mean(Phase::gather),
          .compute = mean(Phase::compute),
          .synchronise = mean(Phase::synchronise),
          .update = mean(Phase::update)};
}

Popularity look_at_data(const Config& config, Communicator& comm, Plan& plan) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  Popularity popularity;
  if (config.data.path.empty()) {
    popularity = agreed(comm, [&] { return expected_popularity(config.data, seed); });
    plan.source = "synthetic";
  } else {
    const Dataset dataset = load_dataset(config.data, seed, comm, Times::as_split_needs);
    const TrainingData data = make_training_data(dataset, config.data, seed, comm);
    popularity = popularity_of(data, comm);
    plan.source = dataset.source;
  }
  plan.users = std::llround(popularity.known_users);
  plan.items = std::llround(popularity.known_items);
  plan.train = popularity.train;
  plan.valid = popularity.valid;
  return popularity;
}

}  // namespace

PlannedTime planned_time(const StepWork& w, const PartTimes& alone, const Network& network, double cores) {
  const auto world = static_cast<double>(w.world);
  // Ranks that share a core take turns.
  const double turns = std::max(1.0, world / cores);
  // Alone, a rank owned every row of its part; among others it owns its share of those of the whole batch.
  double owned = 0, here = 0;
  for (const TableWork& t : w.tables) {
    owned += w.owned(t) * static_cast<double>(t.cols);
    here += t.unique_here * static_cast<double>(t.cols);
  }
  const double share = w.world == 1 || here == 0 ? 1 : owned / here;
  // Half a megabyte in each of the four buffers is about what stays in the second cache.
  const double packed = packing_bytes(w);
  const double packing =
      packed / (packed < 4 << 20 ? network.cache_copy_bytes_per_s : network.copy_bytes_per_s);
  PlannedTime time;
  time.plan = turns * alone.plan;
  time.gather = turns * (alone.gather * share + packing);
  time.compute = turns * alone.compute;
  time.synchronise = turns * (alone.synchronise * share + 1.5 * packing);  // packed, unpacked, added up
  time.update = turns * alone.update * share;
  if (w.world == 1) return time;

  const auto collectives = static_cast<double>(step_collectives(w)), all_reduces = collectives - 4;
  // They change at every collective, and whose turn it is finds the caches full of what the others compute
  // on.
  const double refill =
      (turns - 1) * std::min(network.cache_bytes, update_bytes(w)) / network.copy_bytes_per_s;
  time.plan += 2 * refill;
  time.gather += refill;
  time.synchronise += (collectives - 3) * refill;
  const StepTraffic sent = step_traffic(w);
  const auto exchange = [&](double bytes) {
    return network.latency_s * (world - 1) + bytes / network.bytes_per_s;
  };
  time.plan += network.latency_s * (world - 1) + exchange(sent.ids);
  time.gather += exchange(sent.rows);
  time.synchronise += exchange(sent.gradients) + sent.layers / network.bytes_per_s +
                      all_reduces * 2 * std::ceil(std::log2(world)) * network.latency_s;
  return time;
}

Plan plan(const Config& config, const PlanRequest& request, Communicator& comm) {
  agree(comm, [&] { check_precision(config.train); });
  Plan plan;
  if (comm.size() > 1 && (!request.latency_s || !request.bytes_per_s)) {
    plan.network = measure_network(comm);
    plan.network_measured = true;
  }
  if (request.latency_s) plan.network.latency_s = *request.latency_s;
  if (request.bytes_per_s) plan.network.bytes_per_s = *request.bytes_per_s;

  const MachineRates machine = measure_machine(comm);
  plan.network.copy_bytes_per_s = 1e9 * machine.stream_gb_s;
  plan.network.cache_copy_bytes_per_s = 1e9 * machine.cache_gb_s;
  plan.network.cache_bytes = core_cache_bytes();
  const Popularity popularity = look_at_data(config, comm, plan);
  Config fitting = config;  // no batch has more than all ratings
  fitting.train.batch_size = std::min(config.train.batch_size, std::max<int64_t>(1, plan.train));
  for (const int64_t world : request.ranks) {
    PlannedRanks ranks;
    ranks.work = step_work(fitting, world, plan.users + 1, plan.items + 1);
    set_unique_rows(ranks.work, popularity);
    ranks.memory = rank_memory(config, ranks.work, plan.train + plan.valid);
    ranks.traffic = step_traffic(ranks.work);
    const PartTimes alone = measure_part(config, ranks.work, popularity, request, comm);
    ranks.time =
        planned_time(ranks.work, alone, plan.network, request.cores.value_or(static_cast<double>(world)));
    plan.ranks.push_back(ranks);
  }
  return plan;
}

}  // namespace ncf
