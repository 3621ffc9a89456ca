#include "ncf/data/raw_ratings.hpp"

#include "ncf/data/first_line.hpp"
#include "ncf/data/line_reader.hpp"

namespace ncf {

std::optional<BadLine> read_ratings(const std::string& path, const TextLayout& layout, Slice slice,
                                    bool valid, IdSet& users, IdSet& items, std::vector<RawRating>& ratings) {
  LineReader lines(path, slice, layout.begin);
  LineFields fields;
  RatingLine parsed;
  for (std::string_view line; lines.next(line);) {
    if (blank(line)) continue;
    std::string problem = parse_rating_line(line, layout.line, fields, parsed);
    if (!problem.empty()) return BadLine{lines.place(), std::string(line), std::move(problem)};
    ratings.push_back({users.add(parsed.user), items.add(parsed.item), parsed.rating, valid ? 1U : 0U,
                       parsed.time, lines.place()});
  }
  return std::nullopt;
}

}  // namespace ncf
