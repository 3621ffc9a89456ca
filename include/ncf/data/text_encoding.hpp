#pragma once
/// Everything the program keeps is UTF-8. Older data sets (MovieLens 100K and 1M) are Latin-1.

#include <string>
#include <string_view>

namespace ncf {

bool is_utf8(std::string_view text);

/// Latin-1 bytes as UTF-8.
std::string utf8_from_latin1(std::string_view text);

}  // namespace ncf
