#include "ncf/embed/row_mail.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr int answers_box = 2;  // after those of the wishes
constexpr int64_t line = 16;    // floats of a cache line; every row begins on one

int64_t stride_of(int64_t cols) {
  return (cols + line - 1) / line * line;
}

/// to.row(k) = the row list[k] of those at `from`, for all rows of `to`, whose stride theirs is.
NCF_MULTIARCH void copy_rows(const float* from, const int32_t* list, MatrixView to) {
  for (int64_t k = 0; k < to.rows; ++k) {
    const float* row = from + int64_t{list[k]} * to.stride;
    for (int64_t c = 0; c < to.stride; c += line) std::memcpy(to.row(k) + c, row + c, line * sizeof(float));
  }
}

}  // namespace

int64_t Wishes::count(std::span<const int64_t> words_of_rank) {
  return std::accumulate(words_of_rank.begin(), words_of_rank.end() - 1, int64_t{0});
}

std::unique_ptr<RowMail> RowMail::open(Communicator& comm, std::size_t tables) {
  auto mail = Mailbox::open(comm, answers_box + 1 + 2 * static_cast<int>(tables));
  return mail == nullptr ? nullptr : std::unique_ptr<RowMail>(new RowMail(std::move(mail), tables));
}

void RowMail::exchange(Communicator& comm, Wishes& w) {
  const int box = plans_++ % 2;
  const auto ranks = static_cast<std::size_t>(comm.size()), me = static_cast<std::size_t>(comm.rank());
  const std::size_t words = w.words.size() / ranks, parts = (words - 1) / tables_;
  // Its words to each rank; where its wishes of each begin, table by table, those of all of them behind each
  // other; then these.
  auto* const told = mail_->room<int64_t>(
      box, static_cast<int64_t>(w.words.size() + (ranks * tables_ + w.rows.size() + 1) / 2));
  std::ranges::copy(w.words, told);
  auto* const firsts = reinterpret_cast<int32_t*>(told + w.words.size());
  std::vector<int32_t> of_table(tables_, 0);
  for (std::size_t r = 0; r < ranks; ++r)
    for (std::size_t t = 0; t < tables_; ++t) {
      firsts[r * tables_ + t] = of_table[t];
      const auto counts = std::span(w.words).subspan(r * words + t * parts, parts);
      of_table[t] += static_cast<int32_t>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
    }
  std::ranges::copy(w.rows, firsts + ranks * tables_);
  const auto kept = static_cast<std::size_t>(Wishes::count(std::span(w.words).subspan(me * words, words)));
  mail_->meet(comm, (w.rows.size() - kept) * sizeof(int32_t) + (ranks - 1) * words * sizeof(int64_t));
  w.heard_words.resize(w.words.size());
  w.heard_rows.clear();
  first_back_.resize(ranks * tables_);
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto* const heard = mail_->of<int64_t>(r, box);
    std::copy_n(heard + me * words, words, w.heard_words.data() + r * words);
    const auto* const from = reinterpret_cast<const int32_t*>(heard + w.words.size());
    int64_t first = 0;
    for (std::size_t t = 0; t < tables_; ++t) {
      first += from[me * tables_ + t];
      // That rank's own rows are not among those that are brought.
      const int32_t own = me > r ? from[(r + 1) * tables_ + t] - from[r * tables_ + t] : 0;
      first_back_[r * tables_ + t] = from[me * tables_ + t] - own;
    }
    const auto* const rows = from + ranks * tables_ + first;
    w.heard_rows.insert(w.heard_rows.end(), rows,
                        rows + Wishes::count(std::span(w.heard_words).subspan(r * words, words)));
  }
}

MatrixView RowMail::room_for_rows(std::size_t table, int64_t rows, int64_t cols) {
  const int64_t stride = stride_of(cols);
  return {mail_->room<float>(rows_box(table), rows * stride), rows, cols, stride};
}

MatrixView RowMail::room_for_gradients(std::size_t table, int64_t rows, int64_t cols) {
  const int64_t stride = stride_of(cols);
  return {mail_->room<float>(gradients_box(table), rows * stride), rows, cols, stride};
}

/// Where each rank finds what it asked for: table by table, where its numbers begin, and these, of rows in
/// the room for rows.
void RowMail::answer(std::span<const TableRoutes> routes) {
  const std::size_t ranks = routes[0].unique_counts().size();
  int64_t numbers = 0;
  for (const TableRoutes& of_table : routes)
    numbers += static_cast<int64_t>(ranks) + std::ssize(of_table.wanted());
  auto* to = mail_->room<int32_t>(answers_box, numbers);
  auto at = static_cast<int32_t>(routes.size() * ranks);
  for (const TableRoutes& of_table : routes)
    for (std::size_t r = 0; r < ranks; ++r) {
      *to++ = at;
      at += static_cast<int32_t>(of_table.wanted_of(r).count);
    }
  for (const TableRoutes& of_table : routes) {
    const auto before = static_cast<int32_t>(of_table.brought());
    to = std::ranges::transform(of_table.wanted(), to, [&](int32_t k) { return before + k; }).out;
  }
}

void RowMail::gather(Communicator& comm, std::span<const TableRoutes> routes,
                     std::span<const MatrixView> here, uint64_t bytes) {
  answer(routes);
  mail_->meet(comm, bytes);
  const auto ranks = static_cast<std::size_t>(comm.size()), me = static_cast<std::size_t>(comm.rank());
  for (std::size_t r = 0; r < ranks; ++r) {
    if (r == me) continue;
    const auto* const answers = mail_->of<int32_t>(r, answers_box);
    for (std::size_t t = 0; t < here.size(); ++t) {
      const RowRange mine = routes[t].brought_by(r);
      copy_rows(mail_->of<float>(r, rows_box(t)), answers + answers[t * ranks + me],
                here[t].rows_from(mine.first, mine.count));
    }
  }
}

ConstMatrixView RowMail::came_back(std::size_t rank, std::size_t table, int64_t rows, int64_t cols) const {
  const int64_t stride = stride_of(cols), first = first_back_[rank * tables_ + table];
  return {mail_->of<float>(rank, gradients_box(table)) + first * stride, rows, cols, stride};
}

}  // namespace ncf
