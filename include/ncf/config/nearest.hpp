#pragma once
/// The name that someone who mistyped probably meant.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ncf {

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `names` by edit distance, the first one of equals, or nothing when none is near: a distance
/// of half the length or more is a different word. A name also matches by its last part: `epochs` is near
/// `train.epochs`.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> names);

/// ", the nearest is train.epochs", or nothing when no name is near.
std::string nearest_hint(std::string_view name, std::span<const std::string> names);

}  // namespace ncf
