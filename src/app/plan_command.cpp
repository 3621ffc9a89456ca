#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/numbers.hpp"
#include "ncf/measure/plan.hpp"
#include "ncf/util/error.hpp"

namespace ncf::app {
namespace {

std::vector<int64_t> ranks_of(const CommandLine& line) {
  const auto found = line.flags.find("ranks");
  if (found == line.flags.end()) return {1, 2, 4, 8, 16, 32, 64};
  std::vector<int64_t> ranks;
  const std::string& text = found->second;
  const auto wrong = [&] {
    return Error(ErrorKind::usage,
                 "command line: --ranks takes numbers of ranks such as 1,2,8, each from 1 to 1000000, not '" +
                     text + "'",
                 true);
  };
  for (const char *at = text.data(), *const end = at + text.size();;) {
    int64_t n = 0;
    const auto [next, error] = std::from_chars(at, end, n);
    if (error != std::errc{} || n < 1 || n > 1'000'000) throw wrong();
    ranks.push_back(n);
    if (next == end) return ranks;
    if (*next != ',') throw wrong();
    at = next + 1;
  }
}

PlanRequest request_of(const CommandLine& line) {
  PlanRequest request;
  request.ranks = ranks_of(line);
  const auto optional = [&](const std::string& flag, double unit, const std::string& takes) {
    return line.flags.contains(flag) ? std::optional(unit * number_flag(line, flag, 0, takes)) : std::nullopt;
  };
  request.latency_s = optional("latency-us", 1e-6, "microseconds above 0");
  request.bytes_per_s = optional("gbit-per-s", 1e9 / 8, "a number above 0");
  request.cores = optional("cores", 1, "a number of cores above 0");
  request.seconds = number_flag(line, "seconds", request.seconds, "a number of seconds above 0");
  return request;
}

std::string size_text(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.2f} GB", bytes / 1e9) : fmt::format("{:.1f} MB", bytes / 1e6);
}

std::string in_words(const Plan& plan, const PlanRequest& request) {
  const StepWork& any = plan.ranks.front().work;
  std::string text = fmt::format(
      "ratings  {}: {} users, {} items, {} to train, {} to validate\n"
      "model    rows of {} + {} values, batch {}\n"
      "network  {:.1f} µs a message, {:.2f} Gbit/s out of a rank ({})\n\n"
      "  ranks   memory/rank   of it tables      ratings   sent/step    plan  gather compute   sync  update "
      "  step ms     samples/s  epoch s\n",
      plan.source, grouped(plan.users), grouped(plan.items), grouped(plan.train), grouped(plan.valid),
      any.tables[0].cols, any.tables[1].cols, grouped(any.batch), 1e6 * plan.network.latency_s,
      8e-9 * plan.network.bytes_per_s,
      request.latency_s && request.bytes_per_s ? "as given"
      : plan.network_measured                  ? "measured between the ranks of this job"
                              : "assumed: --latency-us and --gbit-per-s say otherwise, mpirun -n 2 measures");
  for (const PlannedRanks& r : plan.ranks) {
    const PlannedTime& t = r.time;
    text += fmt::format(
        "{:>7} {:>13} {:>14} {:>12} {:>11} {:>7.3f} {:>7.3f} {:>7.3f} {:>6.3f} {:>7.3f} {:>9.3f} {:>13} "
        "{:>8.2f}\n",
        r.work.world, size_text(r.memory.total()), size_text(r.memory.tables), size_text(r.memory.ratings),
        size_text(r.traffic.total()), 1e3 * t.plan, 1e3 * t.gather, 1e3 * t.compute, 1e3 * t.synchronise,
        1e3 * t.update, 1e3 * t.step(), grouped(std::llround(r.samples_per_s())),
        static_cast<double>(plan.train) / r.samples_per_s());
  }
  text +=
      "\nTimes of phases in ms. A checkpoint that training goes on beside takes a copy of the tables "
      "besides.\n";
  return text;
}

nlohmann::ordered_json json_of(const PlannedRanks& r) {
  using Json = nlohmann::ordered_json;
  Json unique = Json::array();
  for (const TableWork& t : r.work.tables)
    unique.push_back({{"a_rank", t.unique_here}, {"a_batch", t.unique_all}});
  return {{"ranks", r.work.world},
          {"memory_bytes",
           {{"total", r.memory.total()},
            {"tables", r.memory.tables},
            {"layers", r.memory.layers},
            {"ratings", r.memory.ratings},
            {"vocabulary", r.memory.vocabulary},
            {"batch", r.memory.batch},
            {"program", r.memory.program}}},
          {"unique_rows", unique},
          {"sent_bytes",
           {{"total", r.traffic.total()},
            {"ids", r.traffic.ids},
            {"rows", r.traffic.rows},
            {"gradients", r.traffic.gradients},
            {"layers", r.traffic.layers}}},
          {"phase_s",
           {{"plan", r.time.plan},
            {"gather", r.time.gather},
            {"compute", r.time.compute},
            {"synchronise", r.time.synchronise},
            {"update", r.time.update}}},
          {"step_s", r.time.step()},
          {"samples_per_s", r.samples_per_s()}};
}

nlohmann::ordered_json json_of(const Plan& plan) {
  nlohmann::ordered_json ranks = nlohmann::ordered_json::array();
  for (const PlannedRanks& r : plan.ranks) ranks.push_back(json_of(r));
  return {{"users", plan.users},
          {"items", plan.items},
          {"train_rows", plan.train},
          {"valid_rows", plan.valid},
          {"batch_size", plan.ranks.front().work.batch},
          {"network",
           {{"latency_s", plan.network.latency_s},
            {"bytes_per_s", plan.network.bytes_per_s},
            {"measured", plan.network_measured}}},
          {"plans", ranks}};
}

}  // namespace

Command plan_command() {
  Command command;
  command.name = "plan";
  command.summary = "memory, traffic and time of a step at any number of ranks, without running it there";
  command.description =
      R"(Predicts, for a configuration at any number of ranks and any network: memory of a rank, bytes that a rank sends
in a step, and the time of a step. A rank's part of a step is measured here for a moment; the network is told, or
measured between the ranks that run this command. Ratings are read for how popular rows are (synthetic ones need not
be drawn), nothing is written.

  ncf_dist plan --config ml.yaml --ranks 1,2,4,8,64
  ncf_dist plan --config ml.yaml --ranks 64,256,1024 --latency-us 3 --gbit-per-s 100
  mpirun -n 2 ncf_dist plan --config ml.yaml --ranks 2,4 --cores 2 --json
  ncf_dist plan --data.synthetic '{users: 20000000, items: 2000000, ratings: 100000000}' --model.embedding_dim 32
)";
  command.flags = {{"ranks", "N,…", "for these numbers of ranks (1,2,4,8,16,32,64)"},
                   {"latency-us", "US", "microseconds that a message takes at least"},
                   {"gbit-per-s", "G", "what the network takes from a rank"},
                   {"cores", "N", "the cores that all ranks share (as many as ranks)"},
                   {"seconds", "S", "measure for about so long for each number of ranks (0.5)"},
                   {"json", "", "JSON instead of words"}};
  command.run = [](const CommandLine& line, const Config& config, Communicator& comm) {
    const PlanRequest request = request_of(line);
    const Plan result = plan(config, request, comm);
    if (comm.is_root())
      std::cout << (line.flags.contains("json") ? json_of(result).dump(2) + "\n" : in_words(result, request))
                << std::flush;
    return 0;
  };
  return command;
}

}  // namespace ncf::app
