#include "ncf/nn/loss.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ncf {
namespace {

TEST(Loss, GradientIsTheSlopeOfTheLoss) {
  const std::vector<float> ratings = {1, 3, 5, 2};
  for (const std::optional<OutputRange>& range :
       {std::optional<OutputRange>{}, std::optional(OutputRange{0, 5.5F})}) {
    const std::vector<double> z = {-1.5, 0.1, 2.0, 0.7};
    const auto loss = [&](const std::vector<double>& at) {
      double sum = 0;
      for (std::size_t i = 0; i < at.size(); ++i) {
        const double y = range ? 5.5 / (1 + std::exp(-at[i])) : at[i];
        sum += (y - static_cast<double>(ratings[i])) * (y - static_cast<double>(ratings[i]));
      }
      return sum / 8;  // a global batch of 8, of which these are 4
    };
    std::vector<float> gradient(z.begin(), z.end());
    ExactSum sum;
    const double plain = squared_error(gradient, ratings, range, 8, sum);
    EXPECT_NEAR(plain, 8 * loss(z), 1e-5);
    EXPECT_NEAR(sum.value(), plain, 1e-9);
    for (std::size_t i = 0; i < z.size(); ++i) {
      auto up = z, down = z;
      up[i] += 1e-5;
      down[i] -= 1e-5;
      EXPECT_NEAR(gradient[i], (loss(up) - loss(down)) / 2e-5, 1e-6);
    }
  }
}

TEST(Loss, PredictionsStayInTheirRange) {
  std::vector<float> z = {-1000, 0, 1000};
  predict_in_range(z, OutputRange{0, 5});
  EXPECT_EQ(z[0], 0);
  EXPECT_EQ(z[1], 2.5F);
  EXPECT_EQ(z[2], 5);
}

}  // namespace
}  // namespace ncf
