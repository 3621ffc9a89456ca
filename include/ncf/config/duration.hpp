#pragma once
/// Durations as users write them: hours, minutes and seconds.

#include <cstdint>
#include <optional>
#include <string_view>

namespace ncf {

/// Seconds of "HH:MM:SS": hours of any number of digits, minutes and seconds of two digits below 60. Nothing
/// for any other text, and for a duration of 0.
std::optional<int64_t> parse_duration(std::string_view text);

}  // namespace ncf
