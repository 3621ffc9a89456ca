#include "ncf/train/data_digest.hpp"

#include <fmt/format.h>

#include <bit>

#include "ncf/io/digest.hpp"
#include "ncf/util/random.hpp"

namespace ncf {
namespace {

/// A sum of numbers each of which depends on all of a sample and on its place: addition does not care which
/// rank holds it.
uint64_t sum_of(const Samples& samples, uint64_t part) {
  uint64_t sum = 0;
  auto number = static_cast<uint64_t>(samples.first);
  for (const Sample& s : samples.rows) {
    const uint64_t pair = uint64_t{std::bit_cast<uint32_t>(s.user)} << 32 | std::bit_cast<uint32_t>(s.item);
    sum += random_bits(number++, Purpose::data_digest, pair, part << 32 | std::bit_cast<uint32_t>(s.rating));
  }
  return sum;
}

uint64_t hash_of(const Vocabulary& vocabulary) {
  Hash64 hash;
  for (int64_t i = 0; i < vocabulary.size(); ++i) {
    const std::string id = vocabulary.text(i) + '\0';
    hash.add(std::span<const char>(id));
  }
  return hash.take();
}

}  // namespace

std::string data_digest(Communicator& comm, const TrainingData& data) {
  std::array<uint64_t, 2> sums = {sum_of(data.train, 0), sum_of(data.valid, 1)};
  comm.all_reduce_sum(std::span<uint64_t>(sums));
  return digest_of(fmt::format("{} {:x} {} {:x} {:x} {:x}", data.train.total, sums[0], data.valid.total,
                               sums[1], hash_of(data.users), hash_of(data.items)));
}

}  // namespace ncf
