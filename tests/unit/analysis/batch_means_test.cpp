#include "daemon/analysis/batch_means.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace thyrode::analysis {
namespace {

BatchMeans noise(unsigned seed, int intervals, double cv) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(1e6, cv * 1e6);
  BatchMeans batches;
  for (int k = 0; k < intervals; ++k) batches.add(std::llround(normal(random)));
  return batches;
}

TEST(BatchMeans, MergesNeighboursWhenThirtyTwoAreFull) {
  BatchMeans batches;
  for (int k = 0; k < 31; ++k) batches.add(k);
  EXPECT_EQ(batches.count(), 31);
  EXPECT_EQ(batches.batch_size(), 1);
  batches.add(31);
  EXPECT_EQ(batches.count(), 16);
  EXPECT_EQ(batches.batch_size(), 2);
  EXPECT_EQ(batches.sum_of_first(1), 0 + 1);
  EXPECT_EQ(batches.sum_of_first(16), 31 * 32 / 2);
  EXPECT_EQ(batches.intervals(), 32);
}

TEST(BatchMeans, HasNoIntervalBelowTenBatches) {
  BatchMeans batches;
  for (int k = 0; k < 9; ++k) batches.add(100 + k);
  EXPECT_FALSE(batches.half_width());
  EXPECT_FALSE(batches.slope());
  batches.add(100);
  EXPECT_TRUE(batches.half_width());
  EXPECT_FALSE(batches.half_width(1));
}

TEST(BatchMeans, HalfWidthIsStudentTimesDeviationOfTheMeanTimesTheLookingFactor) {
  BatchMeans batches;
  for (int k = 0; k < 10; ++k) batches.add(k % 2 == 0 ? 90 : 110);
  // s = 10 sqrt(10/9), t(0.975, 9) = 2.262157
  EXPECT_NEAR(*batches.half_width(), 1.1 * 2.262157 * 10.0 * std::sqrt(10.0 / 9.0) / std::sqrt(10.0), 1e-4);
}

TEST(BatchMeans, StudentQuantilesAreThoseOfTables) {
  EXPECT_NEAR(student_quantile(1), 12.7062, 1e-3);
  EXPECT_NEAR(student_quantile(15), 2.13145, 1e-4);
  EXPECT_NEAR(student_quantile(100), 1.98397, 1e-4);
}

TEST(BatchMeans, EqualIntervalsDoNotDriftAndAreSettled) {
  BatchMeans batches;
  for (int k = 0; k < 500; ++k) batches.add(777);
  EXPECT_EQ(batches.half_width(), 0.0);
  EXPECT_EQ(batches.settling(), 0);
  EXPECT_EQ(batches.slope()->p, 1.0);
}

TEST(BatchMeans, SteadyRampHasItsSlopeWithCertainty) {
  BatchMeans batches;
  for (int k = 0; k < 20; ++k) batches.add(1000 + 7 * k);
  EXPECT_DOUBLE_EQ(batches.slope()->per_batch, 7.0);
  EXPECT_LT(batches.slope()->p, 1e-6);
}

TEST(BatchMeans, StationaryTrainsDriftAsOftenAsTheTestAllows) {
  int alarms = 0;
  constexpr int runs = 3000;
  for (int run = 0; run < runs; ++run) {
    if (noise(static_cast<unsigned>(run), 300, 0.1).slope()->p < 0.01) ++alarms;
  }
  // Binomial: 30 expected, standard deviation 5.4.
  EXPECT_GT(alarms, 8);
  EXPECT_LT(alarms, 52);
}

TEST(BatchMeans, StationaryTrainsAreNotTrimmed) {
  int trimmed = 0;
  for (unsigned run = 0; run < 500; ++run) {
    if (noise(run, 300, 0.1).settling() > 0) ++trimmed;
  }
  EXPECT_LT(trimmed, 10);
}

/// 200 intervals of which the first 20 decay from 1.5 times the steady one. Design page "Analysis", section 3.
BatchMeans settling_train(unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0.0, 0.1);
  BatchMeans batches;
  for (int k = 0; k < 200; ++k) {
    batches.add(std::llround(1e6 * (1.0 + 0.5 * std::exp(-k / 20.0) + normal(random))));
  }
  return batches;
}

TEST(BatchMeans, DroppingTheSettlingLeavesThePublishedError) {
  double whole = 0.0;
  double trimmed = 0.0;
  int drifting = 0;
  constexpr int runs = 500;
  for (unsigned run = 0; run < runs; ++run) {
    const BatchMeans batches = settling_train(run);
    whole += std::pow(*batches.mean() / 1e6 - 1.0, 2);
    trimmed += std::pow(*batches.mean(batches.settling()) / 1e6 - 1.0, 2);
    if (batches.slope()->p < 0.01) ++drifting;
  }
  EXPECT_NEAR(std::sqrt(whole / runs), 0.052, 0.006);
  EXPECT_LT(std::sqrt(trimmed / runs), 0.016);
  EXPECT_GT(drifting, 0.98 * runs);
}

TEST(BatchMeans, TrainThatNeverSettlesAsksForHalf) {
  BatchMeans batches;
  for (int k = 0; k < 30; ++k) batches.add(k < 16 ? 2000 + 10 * (k % 2) : 1000 + k % 2);
  EXPECT_EQ(batches.settling(), 15);
}

TEST(CountInterval, IsTheExactPoissonOne) {
  // Garwood: 3 events, [0.6187, 8.7673]; none, one-sided 2.9957.
  EXPECT_NEAR(count_interval(3, 1.0).low_hz, 0.61867, 1e-5);
  EXPECT_NEAR(count_interval(3, 1.0).high_hz, 8.76727, 1e-5);
  EXPECT_NEAR(count_interval(3, 10.0).high_hz, 0.876727, 1e-6);
  EXPECT_EQ(count_interval(0, 2.0).low_hz, 0.0);
  EXPECT_NEAR(count_interval(0, 2.0).high_hz, 1.49786613678, 1e-9);
}

TEST(CountInterval, OfASumOfIntervalsHoldsTheirRate) {
  // One interval of 1 s is exponential: -ln(0.975) and -ln(0.025).
  EXPECT_NEAR(interval_of_sum(1, 1.0).low_hz, 0.0253178, 1e-7);
  EXPECT_NEAR(interval_of_sum(1, 1.0).high_hz, 3.6888795, 1e-7);
  EXPECT_NEAR(interval_of_sum(1, 10.0).high_hz, 0.36888795, 1e-8);
  for (std::int64_t n = 1; n < 50; ++n) {
    const double rate = static_cast<double>(n) / 3.0;
    EXPECT_LT(interval_of_sum(n, 3.0).low_hz, rate) << n;
    EXPECT_GT(interval_of_sum(n, 3.0).high_hz, rate) << n;
  }
}

}  // namespace
}  // namespace thyrode::analysis
