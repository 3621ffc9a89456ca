// Sixteen columns at a time, of up to 64 units, whose gates are one word: so many columns of the tables fit
// the first cache, and are made anew there as quickly as they would be read from further away.
#include "ncf/nn/gated_backward.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "lanes.hpp"
#include "ncf/util/target.hpp"

namespace ncf {
namespace {

constexpr int64_t units_of_word = 64;
constexpr int units_of_table = 5;  // so many took the least time: measured with 3 to 6
constexpr int64_t entries = 1 << units_of_table;
constexpr int most_tables = (units_of_word + units_of_table - 1) / units_of_table;

/// Which units are on, and the gradients that need no more than that.
struct Gates {
  ConstMatrixView y;  // up to a word of units
  const float *weight, *dz;
  float *dweight, *dbias;
  uint64_t* out;  // [samples]

  /// All units, in N vectors.
  template <int N>
  NCF_INLINE void block(int64_t) const {
    const Gates job = *this;  // the compiler knows that no store changes it
    Lanes dw[N], on[N];       // Σ dz·y; Σ dz where on
    Bits last, places[2];     // of lanes, in half a word
    last_columns(job.y.cols, last);
    for (int lane = 0; lane < lanes; ++lane) {
      places[0][lane] = 1 << lane;
      places[1][lane] = static_cast<int32_t>(uint32_t{1} << (lane + lanes));
    }
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) dw[j] = on[j] = Lanes{};
    for (int64_t r = 0; r < job.y.rows; ++r) {
      const float* value = job.y.row(r);
      Bits halves[2] = {};
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) {
        Lanes v;
        read(value + j * lanes, v);
        dw[j] += job.dz[r] * v;
        Bits gate = v > 0;
        if (j == N - 1) gate &= last;
        on[j] += gate ? job.dz[r] + Lanes{} : Lanes{};
        halves[j / 2] |= gate & places[j % 2];
      }
      job.out[r] = uint64_t{any_bits(halves[0])} | (N > 2 ? uint64_t{any_bits(halves[1])} << 32 : 0);
    }
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) {
      Lanes w;
      read_some(job.weight + j * lanes, job.y.cols - j * lanes, w);
      add_some(dw[j], job.y.cols - j * lanes, job.dweight + j * lanes);
      add_some(on[j] * w, job.y.cols - j * lanes, job.dbias + j * lanes);
    }
  }
};

NCF_MULTIARCH void find_gates(const Gates& job) {
  in_blocks<4>(job, job.y.cols);
}

/// The units of a word that are on for any sample: many are off for all of a micro-batch, and the more the
/// longer a model learns. Only those have a place in tables.
struct UnitsOn {
  int64_t count = 0;
  uint8_t unit[units_of_word] = {};  // which unit the k-th of them is

  explicit UnitsOn(uint64_t on) {
    for (; on != 0; on &= on - 1) unit[count++] = static_cast<uint8_t>(std::countr_zero(on));
  }
};

/// Which gates are open for any sample.
uint64_t any_of(std::span<const uint64_t> gates) {
  uint64_t any = 0;
  for (const uint64_t of_sample : gates) any |= of_sample;
  return any;
}

/// The bits of `kept` of every word, moved together: Warren, "Hacker's Delight", 7-4. In six rounds bits move
/// by 1, 2, 4, ... places, those whose distance has that power of two.
NCF_MULTIARCH void keep_bits(uint64_t kept, int64_t count, uint64_t* __restrict words) {
  constexpr int rounds = 6;
  uint64_t moving[rounds], mask = kept, to_count = ~kept << 1;
  for (int i = 0; i < rounds; ++i) {
    uint64_t odd = to_count;  // places with an odd number of gaps to their right
    for (int shift = 1; shift < 64; shift *= 2) odd ^= odd << shift;
    moving[i] = odd & mask;
    mask = (mask ^ moving[i]) | moving[i] >> (1 << i);
    to_count &= ~odd;
  }
  for (int64_t k = 0; k < count; ++k) {
    uint64_t word = words[k] & kept;
    for (int i = 0; i < rounds; ++i) {
      const uint64_t moved = word & moving[i];
      word = (word ^ moved) | moved >> (1 << i);
    }
    words[k] = word;
  }
}

/// Of up to a word of units the first 16 columns.
struct Column {
  ConstMatrixView weight, x;  // [units × columns from here on], [samples × …]
  MatrixView dweight, dx;
  const float *unit_weight, *dz;
  const uint64_t* gates;  // [samples], of the units that are on
  const UnitsOn* on;
  bool adds;  // to dx
};

/// Where in the tables the entry of table t for these gates begins.
template <int t>
NCF_INLINE int64_t entry(uint64_t gates) {
  constexpr int log_lanes = 4, shift = t * units_of_table - log_lanes;
  static_assert(1 << log_lanes == lanes);
  constexpr uint64_t all = (entries - 1) << log_lanes;
  const uint64_t bits = shift < 0 ? gates << std::max(0, -shift) : gates >> std::max(0, shift);
  return t * entries * lanes + static_cast<int64_t>(bits & all);
}

/// An entry is the sum of w[j]·W[j] over its units.
NCF_INLINE void write_table(const Column& job, int64_t first_unit, float* table) {
  Lanes sums[entries];
  sums[0] = Lanes{};
#pragma GCC unroll 5
  for (int64_t gate = 0; gate < units_of_table; ++gate) {
    const int64_t unit = job.on->unit[std::min(first_unit + gate, job.on->count - 1)],
                  on = int64_t{1} << gate;
    Lanes row;
    read_columns(job.weight.row(unit), job.weight.cols, row);
    row *= job.unit_weight[unit];
#pragma GCC unroll 16
    for (int64_t e = 0; e < on; ++e) sums[on + e] = sums[e] + row;
  }
#pragma GCC unroll 32
  for (int64_t e = 0; e < entries; ++e) write(table + e * lanes, sums[e]);
}

template <int... t>
NCF_INLINE void give(const Column& job, const float* tables, std::integer_sequence<int, t...>) {
  for (int64_t r = 0; r < job.dx.rows; ++r) {
    const uint64_t gates = job.gates[r];
    Lanes sums[2] = {};  // one would wait for itself
    const auto add = [&](int64_t at, Lanes & sum) __attribute__((always_inline)) {
      Lanes v;
      read(tables + at, v);
      sum += v;
    };
    (add(entry<t>(gates), sums[t % 2]), ...);
    sums[0] += sums[1];
    sums[0] *= job.dz[r];
    if (job.adds) {
      read(job.dx.row(r), sums[1]);
      sums[0] += sums[1];
    }
    write(job.dx.row(r), sums[0]);
  }
}

template <int... t>
NCF_INLINE void take(const Column& job, float* tables, std::integer_sequence<int, t...>) {
  for (int64_t r = 0; r < job.x.rows; ++r) {
    const uint64_t gates = job.gates[r];
    Lanes v;
    read(job.x.row(r), v);
    v *= job.dz[r];
    const auto add = [&](float* to) __attribute__((always_inline)) {
      Lanes sum;
      read(to, sum);
      sum += v;
      write(to, sum);
    };
    (add(tables + entry<t>(gates)), ...);
  }
}

/// A unit's gradient is the sum of the entries with its gate on: of the upper half for the highest gate; then
/// that gate no longer matters, both halves are added up, and the next gate is the highest.
NCF_INLINE void read_table(const Column& job, int64_t first_unit, const float* table) {
  Lanes sums[entries];
#pragma GCC unroll 32
  for (int64_t e = 0; e < entries; ++e) read(table + e * lanes, sums[e]);
#pragma GCC unroll 5
  for (int64_t gate = units_of_table - 1; gate >= 0; --gate) {
    const int64_t on = int64_t{1} << gate;
    Lanes parts[2] = {sums[on], Lanes{}};  // one would wait for itself
#pragma GCC unroll 16
    for (int64_t e = 1; e < on; ++e) {
      parts[e % 2] += sums[on + e];
      sums[e] += sums[on + e];
    }
    if (first_unit + gate >= job.on->count) continue;
    const int64_t unit = job.on->unit[first_unit + gate];
    parts[0] += parts[1];
    parts[0] *= job.unit_weight[unit];
    add_columns(parts[0], job.dweight.cols, job.dweight.row(unit));
  }
}

template <int tables>
NCF_INLINE void back_and_forth(const Column& of_column) {
  const Column job = of_column;  // the compiler knows that no store changes it
  alignas(64) float room[tables * entries * lanes];
  constexpr auto each = std::make_integer_sequence<int, tables>();
  for (int t = 0; t < tables; ++t) write_table(job, t * units_of_table, room + t * entries * lanes);
  give(job, room, each);
  std::fill_n(room, tables * entries * lanes, 0.0F);
  take(job, room, each);
  for (int t = 0; t < tables; ++t) read_table(job, t * units_of_table, room + t * entries * lanes);
}

template <int... before>
NCF_INLINE void for_tables(const Column& job, std::integer_sequence<int, before...>) {
  const int64_t tables = gate_tables(job.on->count);
  ((tables == before + 1 ? back_and_forth<before + 1>(job) : void()), ...);
}
NCF_MULTIARCH void of_column(const Column& job) {
  for_tables(job, std::make_integer_sequence<int, most_tables>());
}

}  // namespace

bool gates_pay(int64_t samples, Precision precision) {
  constexpr int64_t enough = 48;  // to make the tables for
  return samples >= enough && !(precision == Precision::bf16 && multiplier() == Multiplier::tiles);
}

int64_t gate_tables(int64_t units) {
  // A word's last table may have fewer units.
  const auto of_a_word = [](int64_t some) { return (some + units_of_table - 1) / units_of_table; };
  return units / units_of_word * most_tables + of_a_word(units % units_of_word);
}

void gated_backward(const GatedWeights& weights, ConstMatrixView x, ConstMatrixView y,
                    std::span<const float> dz, const GatedGradients& gradients, MatrixView dx,
                    std::vector<uint64_t>& gates) {
  assert(in_lanes(x) && in_lanes(y) && in_lanes(dx));
  if (std::ssize(gates) < y.rows) gates.resize(static_cast<std::size_t>(y.rows));
  for (int64_t unit = 0; unit < y.cols; unit += units_of_word) {
    const int64_t units = std::min(units_of_word, y.cols - unit);
    const float* const unit_weight = weights.unit.data() + unit;
    find_gates({y.cols_from(unit, units), unit_weight, dz.data(), gradients.unit.data() + unit,
                gradients.bias.data() + unit, gates.data()});
    // If all are off, one of them writes the zeros.
    const uint64_t on =
        std::max(any_of(std::span(gates).first(static_cast<std::size_t>(y.rows))), uint64_t{1});
    const UnitsOn units_on(on);
    if (units_on.count < units) keep_bits(on, y.rows, gates.data());
    for (int64_t c = 0; c < x.cols; c += lanes) {
      const int64_t rest = x.cols - c;
      of_column({.weight = weights.layer.rows_from(unit, units).cols_from(c, rest),
                 .x = x.cols_from(c, rest),
                 .dweight = gradients.layer.rows_from(unit, units).cols_from(c, rest),
                 .dx = dx.cols_from(c, rest),
                 .unit_weight = unit_weight,
                 .dz = dz.data(),
                 .gates = gates.data(),
                 .on = &units_on,
                 .adds = unit > 0});
    }
  }
}

}  // namespace ncf
