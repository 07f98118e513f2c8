#include "daemon/analysis/burst_finder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/unit/analysis/train_support.hpp"

namespace thyrode::analysis {
namespace {

using test::BurstShape;
using test::Intervals;
using test::Random;

constexpr int trains = 100;
constexpr std::size_t length = 300;

/// How many of the trains are called bursting.
int bursting(const std::function<Intervals(Random&)>& make) {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= trains; ++seed) {
    Random random(seed);
    if (test::statistics_of(make(random)).bursting()) ++count;
  }
  return count;
}

// The families of the design page "Analysis", section 5.
TEST(BurstFinder, CallsNoTrainOfOneKindOfIntervalBursting) {
  EXPECT_EQ(bursting([](Random& r) { return test::gamma_train(r, length, 5000.0, 0.2); }), 0);
  EXPECT_EQ(bursting([](Random& r) { return test::gamma_train(r, length, 5000.0, 0.5); }), 0);
  EXPECT_EQ(bursting([](Random& r) { return test::gamma_train(r, length, 5000.0, 1.0, 1000.0); }), 0);
}

TEST(BurstFinder, CallsARegularTrainWithMissingSpikesNotBursting) {
  EXPECT_EQ(bursting([](Random& r) { return test::thinned_train(r, length, 0.05, 0.3); }), 0);
}

TEST(BurstFinder, FindsBurstsFromARatioOfThreeOn) {
  for (const double ratio : {3.0, 5.0, 10.0, 50.0}) {
    SCOPED_TRACE(ratio);
    EXPECT_EQ(bursting([&](Random& r) { return test::burst_train(r, length, BurstShape{.ratio = ratio}); }), trains);
  }
}

TEST(BurstFinder, FindsDoubletsAndLongBurstsAndIrregularOnes) {
  const BurstShape doublets{.fewest = 2, .most = 2};
  const BurstShape long_ones{.ratio = 10.0, .fewest = 30, .most = 50};
  const BurstShape irregular{.ratio = 10.0, .cv_inside = 0.3, .cv_gap = 0.5};
  EXPECT_EQ(bursting([&](Random& r) { return test::burst_train(r, length, doublets); }), trains);
  EXPECT_GE(bursting([&](Random& r) { return test::burst_train(r, length, long_ones); }), trains - 1);
  EXPECT_GE(bursting([&](Random& r) { return test::burst_train(r, length, irregular); }), trains - 10);
}

TEST(BurstFinder, FrequencyIsThatOfThePeriodsAndItsIntervalHoldsTheTruth) {
  int held = 0;
  for (std::uint64_t seed = 1; seed <= trains; ++seed) {
    Random random(seed);
    const auto bursts = test::statistics_of(test::burst_train(random, 1000, {})).bursts();
    ASSERT_TRUE(bursts && bursts->frequency_hz.low) << "seed " << seed;
    const double truth = 1e6 / (4.0 * 2000.0 + 5.0 * 2000.0);
    EXPECT_NEAR(*bursts->frequency_hz.value, truth, 0.05 * truth) << "seed " << seed;
    if (*bursts->frequency_hz.low <= truth && truth <= *bursts->frequency_hz.high) ++held;
  }
  EXPECT_GE(held, 88);  // 99.5 % limit of 95 %
}

TEST(BurstFinder, FeaturesOfAnExactRhythmAreExact) {
  Intervals intervals;
  for (int burst = 0; burst < 100; ++burst) intervals.insert(intervals.end(), {100, 200, 400, 5000});
  TrainSettings settings;
  settings.burst_threshold_us = 1000.0;
  const auto bursts = test::statistics_of(intervals, settings).bursts();
  ASSERT_TRUE(bursts);
  EXPECT_TRUE(bursts->given);
  EXPECT_EQ(bursts->gaps, 100);
  EXPECT_EQ(bursts->periods.intervals(), 99);
  EXPECT_DOUBLE_EQ(*bursts->frequency_hz.value, 1e6 / 5700.0);
  EXPECT_DOUBLE_EQ(*bursts->spikes_per_burst.mean(), 4.0);
  EXPECT_EQ(bursts->spikes_per_burst.cv(), 0.0);
  EXPECT_DOUBLE_EQ(*bursts->duty, 700.0 / 5700.0);
  EXPECT_NEAR(*bursts->log_slope, std::log(2.0), 1e-12);
  EXPECT_EQ(bursts->gap.cv(), 0.0);
  EXPECT_DOUBLE_EQ(*bursts->in_runs, 1.0);
  EXPECT_NEAR(*bursts->onsets.value(), 64.0, 1e-9);
}

TEST(BurstFinder, NoPeriodBridgesAGap) {
  TrainSettings settings;
  settings.burst_threshold_us = 1000.0;
  TrainStatistics train(1e-6, Ticks{0}, settings);
  Ticks at{0};
  for (int stretch = 0; stretch < 3; ++stretch) {
    train.spike(at);
    for (int burst = 0; burst < 4; ++burst) {
      train.spike(at = at + 100);
      train.spike(at = at + 5000);
    }
    train.gap(at + 10, at + 7777);
    at = at + 7777;
  }
  const auto bursts = train.bursts();
  ASSERT_TRUE(bursts);
  EXPECT_EQ(bursts->gaps, 12);
  EXPECT_EQ(bursts->periods.intervals(), 9);
  EXPECT_EQ(bursts->period.cv(), 0.0);
}

// The valley moves as the train goes on; the answer is that of a train whose threshold was known from the start.
TEST(BurstFinder, ThresholdFoundLateGivesWhatAGivenOneDoes) {
  Random random(5);
  Intervals intervals = test::gamma_train(random, 300, 2000.0, 0.1);
  const Intervals later = test::burst_train(random, 1500, {});
  intervals.insert(intervals.end(), later.begin(), later.end());
  const auto found = test::statistics_of(intervals).bursts();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->complete);
  TrainSettings settings;
  settings.burst_threshold_us = found->threshold_us;
  const auto given = test::statistics_of(intervals, settings).bursts();
  ASSERT_TRUE(given);
  EXPECT_EQ(found->frequency_hz, given->frequency_hz);
  EXPECT_EQ(found->spikes_per_burst, given->spikes_per_burst);
  EXPECT_EQ(found->gap, given->gap);
  EXPECT_EQ(found->gaps, given->gaps);
}

TEST(BurstFinder, ThresholdFoundAfterMoreIntervalsThanAreKeptSaysSo) {
  Random random(6);
  Intervals intervals = test::gamma_train(random, 3000, 2000.0, 0.05);
  const Intervals later = test::burst_train(random, 30'000, {});
  intervals.insert(intervals.end(), later.begin(), later.end());
  const auto bursts = test::statistics_of(intervals).bursts();
  ASSERT_TRUE(bursts);
  EXPECT_FALSE(bursts->complete);
  const double mean = bursts->gap.mean().value();
  EXPECT_NEAR(mean, 10'000.0, 200.0);
  std::int64_t time = 0;
  for (const std::int64_t interval : intervals) time += interval;
  EXPECT_DOUBLE_EQ(*bursts->frequency_hz.value, 1e6 * static_cast<double>(bursts->gaps) / static_cast<double>(time));
}

TEST(BurstFinder, AnswerDoesNotDependOnWhenItWasAsked) {
  Random random(7);
  const Intervals intervals = test::burst_train(random, 2000, BurstShape{.cv_inside = 0.3, .cv_gap = 0.5});
  TrainStatistics asked(1e-6, Ticks{0});
  TrainStatistics left(1e-6, Ticks{0});
  Ticks at{0};
  for (const std::int64_t interval : intervals) {
    at = at + interval;
    asked.spike(at);
    left.spike(at);
    asked.bursts();
  }
  EXPECT_EQ(asked.bursts()->frequency_hz, left.bursts()->frequency_hz);
  EXPECT_EQ(asked.bursts()->threshold_us, left.bursts()->threshold_us);
}

}  // namespace
}  // namespace thyrode::analysis
