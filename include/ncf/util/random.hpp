#pragma once
/// Counter-based random numbers: every draw is a pure function of (seed, purpose, a, b), never of generator
/// state, so no result depends on which rank asks or in what order. Philox4x32-10 (Salmon et al. 2011).

#include <array>
#include <cstdint>
#include <span>

namespace ncf {

/// What a number is for. Values are part of the meaning of a seed: never renumber.
enum class Purpose : uint32_t {
  epoch_order = 1,     ///< the permutation of the training samples; a = epoch
  split = 2,           ///< which rows validate
  embedding_init = 3,  ///< a = table, b = number of a block; its words are four columns (row_table.cpp)
  dense_init = 4,      ///< a = segment, b = element
  dropout = 5,         ///< a = layer and step, b = sample * width + unit
  negatives = 6,       ///< a = epoch, b = positive and trial
  synthetic = 7,       ///< hidden factors, activity, popularity, noise
  data_digest = 8,     ///< seed = number of a rating, a = user and item, b = rating and part
};

/// 128 random bits as four 32-bit words.
std::array<uint32_t, 4> random_block(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b);

uint64_t random_bits(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b);

/// Uniform in [0, 1), 53 bits.
double random_uniform(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b);

/// Uniform integer in [0, bound); bound > 0. Bias below bound / 2^64.
uint64_t random_below(uint64_t bound, uint64_t seed, Purpose purpose, uint64_t a, uint64_t b);

/// Standard normal, by inversion, so that one draw uses one counter.
double random_normal(uint64_t seed, Purpose purpose, uint64_t a, uint64_t b);

/// Standard normals truncated to [-2, 2], by inversion, four a block and many blocks at once: values[w * n +
/// k] is made from word w of random_block(seed, purpose, a, blocks[k]), n = blocks.size(). Accurate to 1e-7.
void random_truncated_normals(uint64_t seed, Purpose purpose, uint64_t a, std::span<const uint64_t> blocks,
                              std::span<float> values);

}  // namespace ncf
