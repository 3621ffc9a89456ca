#include "ncf/config/config.hpp"

namespace ncf {
namespace {

constexpr std::string_view data_formats[] = {"auto", "movielens-100k", "movielens-dat", "movielens-csv",
                                             "csv",  "hdf5",           "he-ncf"};
constexpr std::string_view split_kinds[] = {"random", "leave_one_out", "given"};
constexpr std::string_view vocabulary_kinds[] = {"train", "all"};
constexpr std::string_view duplicates[] = {"last", "first", "mean", "error"};
constexpr std::string_view model_kinds[] = {"neural", "dot", "gmf", "neumf"};
constexpr std::string_view optimizer_kinds[] = {"adamw", "sgd"};
constexpr std::string_view schedule_kinds[] = {"one_cycle", "cosine", "step", "constant"};
constexpr std::string_view embedding_updates[] = {"lazy", "dense"};
constexpr std::string_view reproducibles[] = {"run", "ranks"};
constexpr std::string_view precisions[] = {"fp32", "bf16"};
constexpr std::string_view overlaps[] = {"auto", "always", "never"};
constexpr std::string_view first_layers[] = {"auto", "rows", "samples"};

}  // namespace

std::span<const std::string_view> names(DataFormat) {
  return data_formats;
}
std::span<const std::string_view> names(SplitKind) {
  return split_kinds;
}
std::span<const std::string_view> names(VocabularyKind) {
  return vocabulary_kinds;
}
std::span<const std::string_view> names(Duplicates) {
  return duplicates;
}
std::span<const std::string_view> names(ModelKind) {
  return model_kinds;
}
std::span<const std::string_view> names(OptimizerKind) {
  return optimizer_kinds;
}
std::span<const std::string_view> names(ScheduleKind) {
  return schedule_kinds;
}
std::span<const std::string_view> names(EmbeddingUpdate) {
  return embedding_updates;
}
std::span<const std::string_view> names(PrecisionKind) {
  return precisions;
}
std::span<const std::string_view> names(WireKind) {
  return precisions;
}
std::span<const std::string_view> names(OverlapKind) {
  return overlaps;
}
std::span<const std::string_view> names(FirstLayer) {
  return first_layers;
}
std::span<const std::string_view> names(Reproducible) {
  return reproducibles;
}

std::string words_for(const ModelConfig& model) {
  if (model.kind == ModelKind::dot) return "dot product with biases";
  std::string text(name_of(model.kind));
  if (!model.has_layers()) return text;
  text += " [";
  for (const int64_t units : model.hidden) text += (text.ends_with('[') ? "" : ", ") + std::to_string(units);
  return text + "]";
}

}  // namespace ncf
