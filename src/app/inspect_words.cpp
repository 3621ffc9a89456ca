#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/inspect.hpp"
#include "ncf/checkpoint/layout.hpp"
#include "ncf/config/load.hpp"
#include "ncf/util/error.hpp"
#include "ncf/util/number_text.hpp"

namespace ncf::app {
namespace {

std::string name_of_path(const std::string& path) {
  return std::filesystem::path(path).filename();
}

/// "neural [100, 50], ratings in [0, 5.5]": what the stored configuration says; empty when it cannot be read.
std::string model_text(const std::string& config_yaml) {
  try {
    const ModelConfig model = config_from_yaml(config_yaml, "config").config.model;
    std::string text = words_for(model);
    if (model.has_layers() && model.batch_norm) text += ", batch normalisation";
    if (model.y_range) text += fmt::format(", ratings in [{}]", fmt::join(*model.y_range, ", "));
    return text;
  } catch (const Error&) {
    return "";
  }
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t n : shape) text += (text.empty() ? "" : " × ") + grouped(n);
  return text;
}

std::string progress_text(const Progress& p) {
  std::string text =
      fmt::format("step {}, {} epoch{} done", grouped(p.step), p.epoch, p.epoch == 1 ? "" : "s");
  if (p.step_in_epoch > 0) text += fmt::format(" and {} steps of the next", grouped(p.step_in_epoch));
  return text;
}

std::string moments_text(const MomentNames& names) {
  return names.second.empty() ? names.first : names.first + ", " + names.second;
}

std::string extra_text(const std::map<std::string, double>& extra) {
  std::string text;
  for (const auto& [name, value] : extra)
    text += fmt::format("{}{} {:.6g}", text.empty() ? "carries     " : ", ", name, value);
  return text.empty() ? "" : text + "\n";
}

std::string model_table(const CheckpointSurvey& s) {
  std::string text;
  if (s.manifest)
    for (const auto& t : s.manifest->tables) {
      const auto line = [&](const std::string& path, int64_t width, const char* more) {
        if (width > 0) text += fmt::format("  {:<26} {}{}\n", path, shape_text({t.rows, width}), more);
      };
      line("/embedding/" + t.name, t.width, t.has_bias ? " + bias" : "");
      line("/gmf/" + t.name, t.gmf_width, "");
    }
  for (const auto& p : s.parameters) text += fmt::format("  {:<26} {}\n", p.path, shape_text(p.shape));
  return text.empty() ? "" : "\n" + text;
}

const Fault* fault_of(const CheckpointSurvey& s, const std::string& file) {
  for (const auto& fault : s.faults)
    if (fault.file == file) return &fault;
  return nullptr;
}

std::string file_table(const CheckpointSurvey& s) {
  std::string text;
  for (const auto& file : s.files)
    text += fmt::format("  {:<26} {:>15}  {}\n", file.name, grouped(file.bytes),
                        fault_of(s, file.name) ? "damaged"
                        : s.digests_checked    ? "whole"
                        : file.digest.empty()  ? "there"
                                               : "of the right size");
  return text.empty() ? "" : fmt::format("\n  {:<26} {:>15}\n", "file", "bytes") + text;
}

std::string fault_text(const Fault& fault) {
  std::string text = (fault.file.empty() ? "the directory" : fault.file) + " " + fault.problem;
  // "has format version 7", "is missing", or, from elsewhere, a sentence of its own.
  if (!fault.expected.empty()) text += "\n    expected  " + fault.expected;
  if (!fault.found.empty()) text += "\n    found     " + fault.found;
  return text;
}

/// What is wrong and what is left, or that all is well.
std::string verdict(const CheckpointSurvey& s, const std::string& sibling) {
  if (s.intact())
    return s.digests_checked ? "\nintact: every file fits its digest\n"
                             : "\nintact as far as sizes tell; --verify checks every digest\n";
  std::string text = "\nDAMAGED\n";
  for (const auto& fault : s.faults) text += "  " + fault_text(fault) + "\n";
  for (const auto& sentence : s.advice) text += "  → " + sentence + "\n";
  if (sibling.empty()) return text + "  → there is no other intact checkpoint beside it\n";
  const auto other = checkpoint_step(name_of_path(sibling)).value_or(0);
  return text + fmt::format("  → the checkpoint {} it, {}, is intact\n", other < s.step ? "before" : "after",
                            name_of_path(sibling));
}

std::string strays_text(const CheckpointSurvey& s) {
  std::string text;
  for (const auto& name : s.strays) text += "  " + name + " is not part of the checkpoint\n";
  return text.empty() ? "" : "\n" + text;
}

std::string row(const CheckpointSurvey& s, const CheckpointsSurvey& all) {
  const std::string name = name_of_path(s.path);
  std::string text = fmt::format("  {:>13}", grouped(s.step));
  if (s.manifest) {
    const auto& m = *s.manifest;
    const auto metric = m.extra.find("valid_mse");
    text += fmt::format(" {:>7} {:>6} {:>15} {:>10}",
                        m.progress.step_in_epoch > 0 ? fmt::format("{}+", m.progress.epoch)
                                                     : std::to_string(m.progress.epoch),
                        m.ranks, grouped(m.bytes()),
                        metric == m.extra.end() ? "–" : fmt::format("{:.4f}", metric->second));
  } else {
    text += fmt::format(" {:>7} {:>6} {:>15} {:>10}", "–", "–", "–", "–");
  }
  text += s.intact() ? "  intact" : "  DAMAGED";
  if (name == all.latest) text += ", latest";
  if (name == all.best) text += ", best";
  if (s.path == all.resume_from) text += ", to resume from";
  return text + "\n";
}

std::string dangling(const CheckpointsSurvey& all) {
  std::string text;
  for (const auto& [link, target] : {std::pair{"latest", all.latest}, std::pair{"best", all.best}}) {
    bool there = target.empty();
    for (const auto& c : all.checkpoints) there |= name_of_path(c.path) == target;
    if (!there) text += fmt::format("  the link {} leads to {}, which is not there\n", link, target);
  }
  return text;
}

std::string columns_text(const std::vector<ColumnRecord>& columns) {
  std::string text;
  for (const auto& c : columns) text += (text.empty() ? "" : ", ") + c.name + " (" + c.holds + ")";
  return text.empty() ? "none" : text;
}

}  // namespace

std::string checkpoint_in_words(const CheckpointSurvey& s, const std::string& sibling) {
  std::string text = s.path + ": checkpoint";
  if (s.manifest) {
    const auto& m = *s.manifest;
    text += fmt::format(", format {}, by ncf_dist {}\n\n", checkpoint_format_version, m.program_version);
    text += fmt::format("progress    {}\n", progress_text(m.progress));
    text += fmt::format("seed        {}\nranks       {}\n", m.seed, m.ranks);
  } else {
    text += "\n\n";
  }
  if (const auto model = model_text(s.config_yaml); !model.empty()) text += "model       " + model + "\n";
  if (s.users >= 0 && s.items >= 0)
    text += fmt::format("vocabulary  {} users, {} items\n", grouped(s.users), grouped(s.items));
  if (s.manifest) {
    text += "moments     " + moments_text(s.manifest->moments) + "\n";
    text += extra_text(s.manifest->extra);
  }
  return text + model_table(s) + file_table(s) + strays_text(s) + verdict(s, sibling);
}

std::string run_in_words(const InspectedRun& run) {
  const auto& all = run.all;
  std::string text =
      fmt::format("{}: {}, {} checkpoint{}\n", run.path, run.run ? "run" : "directory of checkpoints",
                  all.checkpoints.size(), all.checkpoints.size() == 1 ? "" : "s");
  if (!all.checkpoints.empty())
    text += fmt::format("\n  {:>13} {:>7} {:>6} {:>15} {:>10}\n", "step", "epochs", "ranks", "bytes",
                        "valid mse");
  for (const auto& c : all.checkpoints) text += row(c, all);
  if (!all.leftovers.empty()) text += "\n";
  for (const auto& name : all.leftovers)
    text += "  " + name + " is left of a save or removal that was cut short; nobody reads it, it can go\n";
  text += dangling(all);
  for (const auto& c : all.checkpoints) {
    if (c.intact()) continue;
    text += "\n" + name_of_path(c.path) + " is damaged\n";
    for (const auto& fault : c.faults) text += "  " + fault_text(fault) + "\n";
    for (const auto& sentence : c.advice) text += "  → " + sentence + "\n";
  }
  if (all.checkpoints.empty()) return text + "\n--resume would start from the beginning\n";
  if (all.resume_from.empty()) return text + "\nthere is nothing to resume from\n";
  const auto& m = *std::ranges::find(all.checkpoints, all.resume_from, &CheckpointSurvey::path)->manifest;
  return text + "\n--resume would go on after " + progress_text(m.progress) +
         (all.checkpoints.front().digests_checked ? "\n" : ", if its digests are right (--verify)\n");
}

std::string dataset_in_words(const DatasetSurvey& s) {
  std::string text = s.path + ": data set";
  if (s.info) {
    const auto& i = *s.info;
    text += fmt::format(", format 1, by ncf_dist {}\n\n", i.program_version);
    text += fmt::format("users       {}\nitems       {}\nratings     {}", grouped(i.users), grouped(i.items),
                        grouped(i.ratings));
    if (i.ratings > 0) text += fmt::format(", from {} to {}", s.rating_min, s.rating_max);
    text += i.columns.times ? ", with times\n" : "\n";
    text += i.columns.valid ? fmt::format("split       given: {} to train, {} to validate\n",
                                          grouped(i.ratings - s.valid_rows), grouped(s.valid_rows))
                            : "split       none of its own (data.split makes one)\n";
    text += "user data   " + columns_text(s.user_columns) + "\nitem data   " + columns_text(s.item_columns);
    text += "\nsource      " + (i.source.empty() ? "not told" : i.source);
    if (i.repeated_pairs > 0) text += fmt::format(", {} repeated pairs merged", grouped(i.repeated_pairs));
    text += fmt::format("\ndigest      {}\nbytes       {}\n", i.digest, grouped(s.bytes));
  } else {
    text += "\n";
  }
  if (s.intact())
    return text + (s.contents_checked
                       ? "\nintact: everything fits its digest\n"
                       : "\nintact as far as opening it tells; --verify checks every digest\n");
  text += "\nDAMAGED\n";
  for (const auto& fault : s.faults) text += "  " + fault + "\n";
  for (const auto& sentence : s.advice) text += "  → " + sentence + "\n";
  return text;
}

}  // namespace ncf::app
