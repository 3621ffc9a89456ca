#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/numbers.hpp"
#include "ncf/measure/bench.hpp"
#include "ncf/measure/machine.hpp"
#include "ncf/nn/gemm.hpp"
#include "ncf/util/target.hpp"

namespace ncf::app {
namespace {

/// Of a phase: work done and its roof.
struct Achieved {
  double rate = 0;
  const char* unit = "";
  double roof = 0;  // 0: there is none
  const char* of = "";
};

Achieved achieved(const BenchResult& r, const MachineRates& m, Phase phase) {
  const double s = r.times.of(phase).median_s;
  if (s <= 0) return {};
  const auto arithmetic = [&](double flops) {
    return flops > 0 ? Achieved{1e-9 * flops / s, "GFLOP/s", m.gemm_gflops, "the matrix product"}
                     : Achieved{};
  };
  switch (phase) {
    case Phase::gather:
      return arithmetic(step_flops(r.work).gather);
    case Phase::compute:
      return arithmetic(step_flops(r.work).compute);
    case Phase::synchronise:
      return arithmetic(step_flops(r.work).synchronise);
    case Phase::update:
      return {1e-9 * update_bytes(r.work) / s, "GB/s", m.stream_gb_s, "the triad"};
    default:
      return {};
  }
}

std::string in_words(const BenchResult& r, const MachineRates& m) {
  const auto& t = r.times;
  std::string text = fmt::format(
      "{} rank{} × {} thread{}  {}\n"
      "ratings  {}: {} × {} rows, batch {}, {} parameters\n"
      "machine  {:.1f} GFLOP/s multiply-add, {:.1f} GFLOP/s matrix product, {:.1f} GB/s triad (a rank)\n"
      "steps    {}: median {:.3f} ms, minimum {:.3f} ms; {} samples/s, {} bytes sent a rank and step\n\n"
      "  phase        median ms  minimum ms  slowest rank   share  achieved\n",
      r.work.world, r.work.world == 1 ? "" : "s", r.threads, r.threads == 1 ? "" : "s", instruction_set(),
      r.source, grouped(r.work.tables[0].rows), grouped(r.work.tables[1].rows), grouped(r.work.batch),
      grouped(r.parameters), m.fma_gflops, m.gemm_gflops, m.stream_gb_s, grouped(t.steps),
      1e3 * t.step.median_s, 1e3 * t.step.minimum_s, grouped(std::llround(r.samples_per_s())),
      grouped(std::llround(t.sent_bytes)));
  for (std::size_t p = 0; p < phase_names.size(); ++p) {
    const PhaseTime& time = t.phases[p];
    if (time.median_s <= 0) continue;
    text +=
        fmt::format("  {:<11} {:>10.4f} {:>11.4f} {:>13.4f} {:>6.1f} %", phase_names[p], 1e3 * time.median_s,
                    1e3 * time.minimum_s, 1e3 * time.slowest_s, 100 * time.median_s / t.step.median_s);
    const Achieved a = achieved(r, m, static_cast<Phase>(p));
    if (a.rate > 0) text += fmt::format("  {:.1f} {}", a.rate, a.unit);
    if (a.roof > 0) text += fmt::format(" ({:.0f} % of {})", 100 * a.rate / a.roof, a.of);
    text += "\n";
  }
  if (r.evaluated > 0)
    text += fmt::format("\nevaluation  {} samples/s\n",
                        grouped(std::llround(static_cast<double>(r.evaluated) / r.evaluate_s)));
  if (r.overlap) {
    text += fmt::format(
        "\noverlap, {} steps each, rows in {} part{}\n"
        "  ms a step   never    always  never: communication  computation  hidden of the shorter\n",
        grouped(r.overlap->steps), r.overlap->parts, r.overlap->parts == 1 ? "" : "s");
    const auto line = [&](const char* what, const OverlapTime& o) {
      text += fmt::format("  {:<7} {:>9.3f} {:>9.3f} {:>21.3f} {:>12.3f} {:>20.0f} %\n", what, 1e3 * o.never,
                          1e3 * o.always, 1e3 * o.communication, 1e3 * o.computation, 100 * o.hidden());
    };
    line("median", r.overlap->median_s);
    line("minimum", r.overlap->minimum_s);
  }
  if (r.work.projects)
    text += "\nThe first layer is computed once a row, by the row's owner: in gather and synchronise.\n";
  if (r.work.units.size() > 2 && skips_zeros())  // how many depends on the data
    text +=
        "\nZeros that ReLU leaves are counted, also where they are skipped: that can be more than the "
        "roof.\n";
  if (r.work.by_gates)
    text +=
        "\nBack through the last hidden layer sums are looked up in tables: few operations, many loads.\n";
  return text;
}

nlohmann::ordered_json json_of(const BenchResult& r, const MachineRates& m) {
  using Json = nlohmann::ordered_json;
  const auto time = [](const PhaseTime& t) {
    return Json{{"median_s", t.median_s}, {"minimum_s", t.minimum_s}, {"slowest_rank_s", t.slowest_s}};
  };
  Json phases = Json::object();
  for (std::size_t p = 0; p < phase_names.size(); ++p) {
    if (r.times.phases[p].median_s <= 0) continue;
    Json one = time(r.times.phases[p]);
    const Achieved a = achieved(r, m, static_cast<Phase>(p));
    if (a.rate > 0) one[std::string(a.unit) == "GFLOP/s" ? "gflop_per_s" : "gb_per_s"] = a.rate;
    if (a.roof > 0) one["of_roof"] = a.rate / a.roof;
    phases[phase_names[p]] = one;
  }
  Json tables = Json::array();
  for (const TableWork& t : r.work.tables)
    tables.push_back({{"rows", t.rows},
                      {"cols", t.cols},
                      {"unique_rows_a_rank", t.unique_here},
                      {"unique_rows_a_batch", t.unique_all}});
  const auto overlap_time = [](const OverlapTime& o) {
    return Json{{"never_s", o.never},
                {"always_s", o.always},
                {"communication_s", o.communication},
                {"computation_s", o.computation},
                {"hidden", o.hidden()}};
  };
  Json overlap = nullptr;
  if (r.overlap)
    overlap = {{"steps", r.overlap->steps},
               {"parts", r.overlap->parts},
               {"median", overlap_time(r.overlap->median_s)},
               {"minimum", overlap_time(r.overlap->minimum_s)}};
  return {{"ranks", r.work.world},
          {"threads", r.threads},
          {"isa", instruction_set()},
          {"batch_size", r.work.batch},
          {"parameters", r.parameters},
          {"tables", tables},
          {"machine",
           {{"fma_gflop_per_s", m.fma_gflops},
            {"gemm_gflop_per_s", m.gemm_gflops},
            {"triad_gb_per_s", m.stream_gb_s}}},
          {"steps", r.times.steps},
          {"step", time(r.times.step)},
          {"samples_per_s", r.samples_per_s()},
          {"bytes_sent_a_rank", r.times.sent_bytes},
          {"bytes_planned_a_rank", step_traffic(r.work).total()},
          {"phases", phases},
          {"overlap", overlap},
          {"evaluated_per_s",
           r.evaluated > 0 ? Json(static_cast<double>(r.evaluated) / r.evaluate_s) : Json(nullptr)}};
}

}  // namespace

Command bench_command() {
  Command command;
  command.name = "bench";
  command.summary = "times the phases of a training step on this machine, on a configuration's data";
  command.description =
      R"(Trains steps on the data and shapes of a configuration, keeps nothing, and prints what each phase of a step
takes: median and minimum over steps, and what that comes to beside what the machine can do at best (multiply-adds in
registers, a matrix product, a triad over memory).

  ncf_dist bench --config ml.yaml
  mpirun -n 2 ncf_dist bench --config ml.yaml --train.batch_size 8192 --seconds 10
  mpirun --host node1,node2 ncf_dist bench --config ml.yaml --train.batch_size 8192 --overlap
  ncf_dist bench --data.synthetic '{users: 138493, items: 26744, ratings: 2000000}' --json
)";
  command.flags = {
      {"seconds", "S", "train for about so long (3)"},
      {"overlap", "", "several ranks: for as long again, steps with comm.overlap never and always, by turns"},
      {"json", "", "JSON instead of words"}};
  command.run = [](const CommandLine& line, const Config& config, Communicator& comm) {
    const double seconds = number_flag(line, "seconds", 3, "a number of seconds above 0");
    const BenchResult result = bench(config, comm, {seconds}, line.flags.contains("overlap"));
    const bool bf16 = config.train.precision == PrecisionKind::bf16;
    const MachineRates machine = measure_machine(comm, bf16 ? Precision::bf16 : Precision::fp32);
    if (comm.is_root())
      std::cout << (line.flags.contains("json") ? json_of(result, machine).dump(2) + "\n"
                                                : in_words(result, machine))
                << std::flush;
    return 0;
  };
  return command;
}

}  // namespace ncf::app
