#include "daemon/analysis/train_statistics.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/analysis/train_support.hpp"

namespace thyrode::analysis {
namespace {

TEST(TrainStatistics, WithoutSpikesSaysNothing) {
  const TrainStatistics train(1e-6, Ticks{0});
  EXPECT_EQ(train.spikes(), 0);
  EXPECT_FALSE(train.intervals().cv());
  EXPECT_FALSE(train.phase_order());
  EXPECT_FALSE(train.bursts());
  EXPECT_FALSE(train.vacancies());
  EXPECT_EQ(train.correlation(Ticks{1000}).bins(), 0U);
  EXPECT_EQ(train.observed(Ticks{1000}), 1000);
}

TEST(TrainStatistics, RejectsAndCountsSpikesWhoseTimeDoesNotIncrease) {
  TrainStatistics train(1e-6, Ticks{100});
  EXPECT_FALSE(train.spike(Ticks{99}));
  EXPECT_TRUE(train.spike(Ticks{100}));
  EXPECT_FALSE(train.spike(Ticks{100}));
  EXPECT_FALSE(train.spike(Ticks{50}));
  EXPECT_TRUE(train.spike(Ticks{200}));
  EXPECT_EQ(train.spikes(), 2);
  EXPECT_EQ(train.rejected(), 3);
  EXPECT_EQ(train.intervals().sum(), 100);
}

TEST(TrainStatistics, NothingBridgesAGap) {
  TrainStatistics train(1e-6, Ticks{0});
  for (std::int64_t k = 0; k < 100; ++k) train.spike(Ticks{1000 * k});
  train.gap(Ticks{99'100}, Ticks{150'000});
  train.gap(Ticks{140'000}, Ticks{160'000});
  for (std::int64_t k = 0; k < 100; ++k) train.spike(Ticks{160'500 + 1000 * k});
  EXPECT_EQ(train.gaps(), 2);
  EXPECT_EQ(train.intervals().count(), 198);
  EXPECT_EQ(train.intervals().longest(), 1000);
  EXPECT_EQ(train.histogram().total(), 198);
  EXPECT_EQ(train.structure_factor().blocks(), 2);
  EXPECT_EQ(train.observed(Ticks{260'000}), 260'000 - 60'900);
  const PairCorrelation pairs = train.correlation(Ticks{260'000});
  EXPECT_EQ(pairs.counts[20], 198);  // the lag of one interval
  EXPECT_EQ(pairs.spikes, 200);
}

TEST(TrainStatistics, StructureFactorOfFewBlocksIsNotReliableAndPhaseOrderStandsIn) {
  test::Random random(1);
  const auto train = test::statistics_of(test::gamma_train(random, 200, 5000.0, 0.05));
  EXPECT_EQ(train.structure_factor().blocks(), 3);
  EXPECT_FALSE(train.structure_factor().reliable());
  EXPECT_NEAR(*train.phase_order(), 0.95, 0.02);
  EXPECT_TRUE(test::statistics_of(test::gamma_train(random, 256, 5000.0, 0.05)).structure_factor().reliable());
}

/// A regular train in which every fifth interval is as many times as long as `multiple` says of the gap's number.
test::Intervals with_gaps(const std::function<int(int gap)>& multiple) {
  test::Intervals intervals;
  test::Random random(2);
  for (int k = 0; k < 400; ++k) {
    intervals.push_back((k % 5 == 4 ? multiple(k / 5) : 1) * test::normal(random, 1000.0, 0.01));
  }
  return intervals;
}

TEST(TrainStatistics, BurstsWithGapsOfWholeMultiplesAreMissingSpikes) {
  const auto train = test::statistics_of(with_gaps([](int gap) { return gap % 4 == 0 ? 2 : 3; }));
  ASSERT_TRUE(train.bursts() && train.bursts()->accepted);
  EXPECT_TRUE(train.vacancies()->found());
  EXPECT_FALSE(train.bursting());
}

TEST(TrainStatistics, GapsThatAlwaysSkipSeveralSpikesAreThoseBetweenBursts) {
  const auto train = test::statistics_of(with_gaps([](int) { return 4; }));
  EXPECT_FALSE(train.vacancies()->found());
  EXPECT_TRUE(train.bursting());
}

TEST(TrainStatistics, IsTheSameWhateverTheLengthOfATick) {
  test::Random random(3);
  const auto intervals = test::burst_train(random, 1000, {});
  const auto coarse = test::statistics_of(intervals);
  TrainStatistics fine(1e-6 / 64.0, Ticks{0});
  Ticks at{0};
  fine.spike(at);
  for (const std::int64_t interval : intervals) fine.spike(at = at + 64 * interval);
  EXPECT_EQ(coarse.histogram(), fine.histogram());
  EXPECT_DOUBLE_EQ(*coarse.intervals().cv(), *fine.intervals().cv());
  EXPECT_DOUBLE_EQ(*coarse.bursting()->frequency_hz.value, *fine.bursting()->frequency_hz.value);
  EXPECT_DOUBLE_EQ(*coarse.structure_factor().value(), *fine.structure_factor().value());
}

}  // namespace
}  // namespace thyrode::analysis
