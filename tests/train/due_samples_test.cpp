#include "ncf/train/due_samples.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ncf {
namespace {

struct Shape {
  uint64_t total, batch_size, a_window;
  bool drop_last;
};

class DueSamplesTest : public testing::TestWithParam<Shape> {};

/// Of three ranks, with the samples of every third in one piece, and one that has none.
TEST_P(DueSamplesTest, EverySampleIsDueWhereThePermutationHasIt) {
  const auto [total, batch_size, a_window, drop_last] = GetParam();
  const uint64_t steps = drop_last ? total / batch_size : (total + batch_size - 1) / batch_size;
  for (const uint64_t epoch : {0, 1}) {
    const Permutation order(total, 3, Purpose::epoch_order, epoch);
    DueSamples due;
    for (const auto& [first, end] : {std::pair<uint64_t, uint64_t>{0, total / 3},
                                     {total / 3, total / 3},
                                     {total / 3, total / 2},
                                     {total / 2, total}}) {
      due.begin(order, first, end - first, {batch_size, steps, a_window});
      std::vector<std::vector<std::pair<uint32_t, uint32_t>>> expected((steps + a_window - 1) / a_window);
      for (uint64_t number = first; number < end; ++number) {
        const uint64_t step = order.forward(number) / batch_size;
        if (step < steps)
          expected[step / a_window].emplace_back(static_cast<uint32_t>(number - first),
                                                 static_cast<uint32_t>(step % a_window));
      }
      for (std::size_t w = 0; w < expected.size(); ++w) {
        const DueSamples::Due found = due.in(w);
        std::vector<std::pair<uint32_t, uint32_t>> used;
        for (std::size_t k = 0; k < found.steps.size(); ++k)
          if (w * a_window + found.steps[k] < steps)
            used.emplace_back(found.all ? static_cast<uint32_t>(k) : found.places[k], found.steps[k]);
        ASSERT_EQ(used, expected[w]) << "window " << w;
      }
    }
  }
}

// The last two: windows of many steps, whose samples are farther apart than what is left of two bytes tells;
// of four samples, which are farther apart than two bytes tell.
INSTANTIATE_TEST_SUITE_P(Shapes, DueSamplesTest,
                         testing::Values(Shape{1, 1, 1, false}, Shape{1000, 64, 100, false},
                                         Shape{1000, 64, 100, true}, Shape{1000, 64, 4, false},
                                         Shape{1000, 64, 4, true}, Shape{50'000, 100, 7, true},
                                         Shape{20'480, 2, 1024, false}, Shape{600'000, 2, 2, false}));

}  // namespace
}  // namespace ncf
