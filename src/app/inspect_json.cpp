#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/inspect.hpp"
#include "ncf/checkpoint/layout.hpp"

namespace ncf::app {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json faults_of(const CheckpointSurvey& s) {
  Json out = Json::array();
  for (const auto& f : s.faults)
    out.push_back({{"file", text_or_null(f.file)},
                   {"problem", f.problem},
                   {"expected", text_or_null(f.expected)},
                   {"found", text_or_null(f.found)}});
  return out;
}

Json files_of(const CheckpointSurvey& s) {
  Json out = Json::array();
  for (const auto& f : s.files)
    out.push_back({{"name", f.name}, {"bytes", f.bytes}, {"xxh3_128", text_or_null(f.digest)}});
  return out;
}

void add_manifest(const Manifest& m, Json& json) {
  json["ncf_dist_version"] = m.program_version;
  json["epoch"] = m.progress.epoch;
  json["step_in_epoch"] = m.progress.step_in_epoch;
  json["seed"] = m.seed;
  json["ranks"] = m.ranks;
  json["bytes"] = m.bytes();
  json["moments"] = Json::array({m.moments.first});
  if (!m.moments.second.empty()) json["moments"].push_back(m.moments.second);
  json["extra"] = Json::object();
  for (const auto& [name, value] : m.extra) json["extra"][name] = number(value);
  for (const auto& [name, value] : m.extra_text) json["extra"][name] = value;
  json["tables"] = Json::array();
  for (const auto& t : m.tables)
    json["tables"].push_back({{"name", t.name},
                              {"rows", t.rows},
                              {"width", t.width},
                              {"bias", t.has_bias},
                              {"gmf_width", t.gmf_width}});
}

Json json_of(const CheckpointSurvey& s) {
  Json json = {{"kind", "checkpoint"},
               {"path", s.path},
               {"intact", s.intact()},
               {"checked", s.digests_checked ? "digests" : "sizes"},
               {"format_version", s.manifest ? Json(checkpoint_format_version) : Json(nullptr)},
               {"step", s.manifest ? s.manifest->progress.step : s.step}};
  if (s.manifest) add_manifest(*s.manifest, json);
  json["parameters"] = Json::array();
  for (const auto& p : s.parameters) json["parameters"].push_back({{"path", p.path}, {"shape", p.shape}});
  const auto size = [](int64_t n) { return n < 0 ? Json(nullptr) : Json(n); };
  json["vocabulary"] = {{"user", size(s.users)}, {"item", size(s.items)}};
  json["config"] = text_or_null(s.config_yaml);
  json["files"] = files_of(s);
  json["strays"] = s.strays;
  json["problems"] = faults_of(s);
  json["advice"] = s.advice;
  return json;
}

Json columns_of(const std::vector<ColumnRecord>& columns) {
  Json out = Json::object();
  for (const auto& c : columns) out[c.name] = c.holds;
  return out;
}

}  // namespace

std::string checkpoint_as_json(const CheckpointSurvey& survey, const std::string& sibling) {
  Json json = json_of(survey);
  json["intact_sibling"] = text_or_null(sibling);
  return text_of(json);
}

std::string run_as_json(const InspectedRun& run) {
  bool intact = true;
  Json checkpoints = Json::array();
  for (const auto& c : run.all.checkpoints) {
    intact &= c.intact();
    checkpoints.push_back(json_of(c));
  }
  return text_of({{"kind", run.run ? "run" : "checkpoints"},
                  {"path", run.path},
                  {"intact", intact},
                  {"latest", text_or_null(run.all.latest)},
                  {"best", text_or_null(run.all.best)},
                  {"resume_from", text_or_null(run.all.resume_from)},
                  {"leftovers", run.all.leftovers},
                  {"checkpoints", checkpoints}});
}

std::string dataset_as_json(const DatasetSurvey& s) {
  Json json = {{"kind", "data set"},
               {"path", s.path},
               {"intact", s.intact()},
               {"checked", s.contents_checked ? "digests" : "structure"},
               {"bytes", s.bytes}};
  if (s.info) {
    const auto& i = *s.info;
    json["format_version"] = 1;
    json["ncf_dist_version"] = i.program_version;
    json["source"] = i.source;
    json["digest"] = i.digest;
    json["users"] = i.users;
    json["items"] = i.items;
    json["ratings"] = i.ratings;
    json["rating_min"] = number(s.rating_min);
    json["rating_max"] = number(s.rating_max);
    json["times"] = i.columns.times;
    json["validation_rows"] = i.columns.valid ? Json(s.valid_rows) : Json(nullptr);
    json["repeated_pairs"] = i.repeated_pairs;
    json["user_columns"] = columns_of(s.user_columns);
    json["item_columns"] = columns_of(s.item_columns);
  }
  json["problems"] = s.faults;
  json["advice"] = s.advice;
  return text_of(json);
}

}  // namespace ncf::app
